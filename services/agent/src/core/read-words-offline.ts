import type { WordsPlanner } from '../ports.ts';
import { planWords } from './offline-planner/plan-words.ts';

/** Reads words without any language model. */
export function createOfflineWordsPlanner(): WordsPlanner {
  return {
    read({ text, pictures, vocabulary }) {
      const plan = planWords(text, { hasPicture: pictures.length > 0, vocabulary });
      return Promise.resolve({ plan, notes: [], written: false });
    },
  };
}

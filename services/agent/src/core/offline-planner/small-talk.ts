import type { ReplyTopic } from '../words-plan.ts';

const TOPICS: readonly (readonly [ReplyTopic, RegExp])[] = [
  [
    'thanks',
    /^(?:many |ok |okay |great |nice |cool |wow )?(?:thanks?|thank you|thx|ty)(?: so much| a lot| very much| again)?$|^(?:ok|okay|nice|great|cool|awesome|perfect|good|lol|wow)$|^(?:太?好的?|多谢|谢谢(?:你|您|啦|了)?|感谢|不错|很好|厉害|棒|太棒了|收到|明白了?)$/,
  ],
  [
    'help',
    /^(?:\/?help|help me|help please|\?|what(?: all)? can (?:you|i|this bot) do(?: here)?|what do you do|what are you|who are you|how (?:do|does|can|should) (?:i|this|it|you)(?: \w+){0,4}|how to use (?:this|it|you)|commands|usage|manual|instructions|start|\/start|menu)$|^(?:帮助|求助|帮帮我|怎么用|如何使用|怎么使用|使用方法|说明|使用说明|你(?:能|会|可以)(?:做|干)?(?:什么|些什么|啥|点啥)|你是谁|你是什么|有什么功能|功能|命令|菜单|开始|能做什么)$/,
  ],
  [
    'models',
    /^(?:what|which|list|show)(?: me)?(?: all)?(?: the| your| available)? (?:models?|recipes?|checkpoints?|styles?|loras?)(?: (?:do|can|are|is|have|you|i|use|available|there|installed|here|have\?)){0,5}$|^(?:models|recipes)$|^(?:有(?:哪些|什么)|列出|查看|支持(?:哪些|什么))(?:可用的?)?(?:模型|配方|风格)$|^(?:模型列表|模型|配方)$|^你?有(?:哪些|什么)模型(?:可以用|可用)?$/,
  ],
  [
    'cancel',
    /^(?:cancel|stop|abort|nevermind|never mind|stop it|cancel (?:it|that|this|all|everything))$|^(?:取消|停止|停|停下|算了|不要了|别画了)$/,
  ],
  [
    'greeting',
    /^(?:hi+|hello|hey|yo|hola|howdy|greetings|good (?:morning|afternoon|evening|day)|hi there|hello there|hey there|what'?s up|sup|how are you(?: doing| today)?|ping|test|testing|are you there|you there|bye|goodbye|good night)$|^(?:你好[吗呀啊]?|您好|嗨|哈喽|哈罗|在吗|在不在|早|早上好|早安|中午好|下午好|晚上好|晚安|再见|拜拜|测试|你好吗|喂)$/,
  ],
];

/** Questions about the world, which rules cannot answer: drawing is all that can be done here. */
const QUESTION =
  /^(?:what|who|where|when|why)(?:'s\b|\s+(?:is|are|was|were|do|does|did|should|can)\b)|(?:是什么|是谁|是哪里|在哪里?)$|^为什么/;

/** What a text is about that asks for no picture, for whoever reads by rules alone; undefined when it may describe one. */
export function talkTopic(text: string): ReplyTopic | undefined {
  const isQuestion = /[?？]\s*$/.test(text) && QUESTION.test(plainOf(text));
  return smallTalkTopic(text) ?? (isQuestion ? 'help' : undefined);
}

function plainOf(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/<@!?\d+>|@[\w-]+/g, ' ')
    .replaceAll(/[\s,，.。!！?？~～…:：;；()（）、"'’]+$/gu, '')
    .replaceAll(/[,，!！~～]/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .replace(/’/g, "'")
    .trim();
}

/** What everybody says, in the same words; undefined for anything else. */
export function smallTalkTopic(text: string): ReplyTopic | undefined {
  const plain = plainOf(text);
  if (plain === '') return /[?？]/.test(text) ? 'help' : undefined;
  const found = TOPICS.find(([, pattern]) => pattern.test(plain));
  if (found !== undefined) return found[0];
  // "hello, what can you do?"
  const later = plain.replace(/^(?:hi|hello|hey|你好|您好|嗨)\s*/, '');
  return later === plain || later === '' ? undefined : TOPICS.find(([, pattern]) => pattern.test(later))?.[0];
}

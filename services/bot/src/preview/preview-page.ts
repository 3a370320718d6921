import type { Language } from '@atelier/shared/contracts/identity';
import type { CardPreview } from './card-preview.ts';
import { cardSamples } from './card-samples.ts';
import { paintSamplePictures } from './sample-pictures.ts';

const languages: readonly Language[] = ['en', 'zh'];

/** One page with every sample on every platform in both languages, for a person to look at. */
export async function renderPreviewPage(previews: readonly CardPreview[]): Promise<string> {
  const pictures = await paintSamplePictures();
  const sections: string[] = [];
  for (const language of languages) {
    const context = { language, pictureUrl: (hash: string) => pictures.get(hash) ?? '' };
    for (const { name, sample } of cardSamples(language)) {
      const lang = language === 'zh' ? 'zh-Hans' : 'en';
      const drawn = await Promise.all(
        previews.map(async (preview) => {
          const html = (await preview.draw(sample, context)) ?? '<p class="none">Not shown here.</p>';
          return `<div class="platform platform-${preview.platform}" lang="${lang}">${html}</div>`;
        }),
      );
      sections.push(
        `<section><h2>${name} <small>${language}</small></h2><div class="row">${drawn.join('')}</div></section>`,
      );
    }
  }
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Atelier: cards</title><style>${pageCss}${previews.map((preview) => preview.css).join('\n')}</style></head>
<body><h1>Cards</h1><p>Every state of a card, and what commands and buttons answer, as ${previews.map((preview) => preview.platform).join(' and ')} show them.</p>
${sections.join('\n')}</body></html>`;
}

const pageCss = `
body { margin: 2rem auto; max-width: 76rem; padding: 0 1rem; font: 15px/1.45 system-ui, sans-serif; background: #f4f2ee; color: #222; color-scheme: light dark; }
@media (prefers-color-scheme: dark) { body { background: #1a1a1c; color: #ddd; } }
h1 { font-weight: 600; } h2 { font-size: 1rem; font-weight: 600; margin: 2rem 0 0.5rem; } h2 small { color: #888; font-weight: 400; }
.row { display: grid; grid-template-columns: repeat(auto-fit, minmax(24rem, 1fr)); gap: 1rem; align-items: start; }
.none { color: #999; font-style: italic; margin: 0; }
.platform { border-radius: 0.75rem; padding: 1rem; overflow: hidden; min-width: 0; }
`;

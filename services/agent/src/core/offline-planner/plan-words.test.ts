import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyCharacter } from '@atelier/comfyui/testing/any-character';
import type { PictureWish, ReplyTopic } from '../words-plan.ts';
import { planWords, type WordsContext } from './plan-words.ts';

const vocabulary = {
  recipes: ['text-to-image-sdxl', 'text-to-image-flux'],
  families: ['sdxl', 'flux', 'qwen', 'z-image', 'sd15'],
  models: ['sd_xl_base_1.0.safetensors', 'v1-5-pruned-emaonly.safetensors', 'flux1-dev.safetensors'],
};
const bare: WordsContext = { hasPicture: false, vocabulary };
const withPicture: WordsContext = { hasPicture: true, vocabulary };

/** Words, the prompt that is left, and what was read out of them. */
type Golden = readonly [words: string, prompt: string, read: Omit<PictureWish, 'prompt'>];

const english: readonly Golden[] = [
  ['the first picture of a black hole', 'the first picture of a black hole', {}],
  ['I want to see a dragon fighting a knight', 'a dragon fighting a knight', {}],
  ['portrait photo of a woman with freckles', 'portrait photo of a woman with freckles', { aspect: '3:4' }],
  ['a street at night? No cars, 3 images.', 'a street at night', { negative: 'cars', count: 3 }],
  ['a girl without shoes walking on the beach', 'a girl, walking on the beach', { negative: 'shoes' }],
  ['a cat 4 times', 'a cat', { count: 4 }],
  ['a fox - portrait - 2 pictures', 'a fox', { aspect: '3:4', count: 2 }],
  ['A fox. Two images. Portrait.', 'A fox', { aspect: '3:4', count: 2 }],
  ['three images of three cats', 'three cats', { count: 3 }],
  ['a red fox in snow, portrait, 2 images', 'a red fox in snow', { aspect: '3:4', count: 2 }],
  ['a red fox in snow', 'a red fox in snow', {}],
  ['please draw me a picture of a red fox in snow, 16:9, seed 42', 'a red fox in snow', { seed: '42', aspect: '16:9' }],
  ['draw two foxes playing', 'two foxes playing', {}],
  ['four watercolor paintings of a fox, square', 'watercolor painting of a fox', { aspect: '1:1', count: 4 }],
  ['a portrait of an old sailor', 'a portrait of an old sailor', {}],
  ['portrait', 'portrait', {}],
  ['a mountain landscape at dawn', 'a mountain landscape at dawn', {}],
  ['a lighthouse, landscape', 'a lighthouse', { aspect: '4:3' }],
  ['a cat 1024x768', 'a cat', { width: 1024, height: 768 }],
  ['a cat 1024 x 768 px x4', 'a cat', { width: 1024, height: 768, count: 4 }],
  ['three black and white photos of a cat', 'black and white photo of a cat', { count: 3 }],
  ['two images of a cat sleeping, no text', 'a cat sleeping', { count: 2, negative: 'text' }],
  ['a street without people at night', 'a street at night', { negative: 'people' }],
  [
    'a street at night, no people, no cars or text in the image',
    'a street at night',
    { negative: 'people, cars, text' },
  ],
  ['a robot. Negative prompt: blurry, text, watermark', 'a robot', { negative: 'blurry, text, watermark' }],
  [
    'a castle, cfg 7.5, 30 steps, seed: 12345678901234567890',
    'a castle',
    { seed: '12345678901234567890', steps: 30, cfg: 7.5 },
  ],
  ['a castle using sdxl, 4 images', 'a castle', { recipe: 'sdxl', count: 4 }],
  ['phone wallpaper of a whale', 'a whale', { aspect: '9:16' }],
  ['a cat in 9:16 aspect ratio', 'a cat', { aspect: '9:16' }],
  ['a clock showing 3:30 pm', 'a clock showing 3:30 pm', {}],
  ['staircase with 20 steps in an old house', 'staircase with 20 steps in an old house', {}],
  ['show jumping horse', 'show jumping horse', {}],
  ['paint splatter on canvas', 'paint splatter on canvas', {}],
  ['a 3/4 view of a sports car', 'a 3/4 view of a sports car', {}],
  [
    'generate 3 variations of a logo for a coffee shop, square',
    'a logo for a coffee shop',
    { aspect: '1:1', count: 3 },
  ],
  ['can you make a picture of a dragon please', 'a dragon', {}],
  [
    'imagine a city of glass --ar 16:9 --seed 7 --no people, cars',
    'a city of glass',
    { seed: '7', aspect: '16:9', negative: 'people, cars' },
  ],
  ['a family portrait of bears, oil painting, two', 'a family portrait of bears, oil painting', { count: 2 }],
  ['a fox with seed 42 and 4 images', 'a fox', { seed: '42', count: 4 }],
  ['a cat, high quality', 'a cat, high quality', { quality: 'high' }],
  ['a cat, quick draft', 'a cat', { quality: 'draft' }],
  ['a cat x4', 'a cat', { count: 4 }],
  ['one image of a dog', 'a dog', { count: 1 }],
  ['a poster for a jazz concert', 'a poster for a jazz concert', { aspect: '2:3' }],
  ['a dog avatar', 'a dog avatar', { aspect: '1:1' }],
  ['a fox, using sd_xl_base_1.0', 'a fox', { model: 'sd_xl_base_1.0.safetensors' }],
  ['a fox, model: nothere.safetensors', 'a fox', { model: 'nothere.safetensors' }],
  ['several pictures of a small boat, widescreen', 'a small boat', { aspect: '16:9', count: 4 }],
  ['a person holding two pictures of cats', 'a person holding two pictures of cats', {}],
  ['a couple of images of a kite', 'a kite', { count: 2 }],
  ["I'd like a picture of a teapot, tall format", 'a teapot', { aspect: '3:4' }],
  ['a red square on white', 'a red square on white', {}],
  ['logo with no background', 'logo', { negative: 'background' }],
  ['cat --count 3', 'cat', { count: 3 }],
  ['a dog, avatar', 'a dog', { aspect: '1:1' }],
  [
    'a fox without text, in the style of ukiyo-e, 3 images please',
    'a fox in the style of ukiyo-e',
    { count: 3, negative: 'text' },
  ],
  ['two photographs on a table', 'two photographs on a table', {}],
  [
    'a samurai at sunset, ultrawide, best quality, sampler euler a',
    'a samurai at sunset, best quality',
    { sampler: 'euler a', quality: 'high', aspect: '21:9' },
  ],
  ['a sailboat 1200 by 800, count 2', 'a sailboat', { width: 1200, height: 800, count: 2 }],
  ['the number of images is unknown', 'the number of images is unknown', {}],
  ['dinosaurs in 3:2', 'dinosaurs', { aspect: '3:2' }],
  ['a girl, 2 images, with a hat', 'a girl with a hat', { count: 2 }],
  ['a few pictures of mushrooms, in a vertical format', 'mushrooms', { aspect: '3:4', count: 3 }],
  ['a cat 16:9 and 3 images', 'a cat', { aspect: '16:9', count: 3 }],
];

const chinese: readonly Golden[] = [
  ['给我四张不同风格的狐狸', '不同风格的狐狸', { count: 4 }],
  ['我想要一张赛博朋克风格的城市图片，竖屏', '赛博朋克风格的城市', { count: 1, aspect: '3:4' }],
  ['用水彩画风格画一只猫', '一只猫，水彩画风格', {}],
  [
    '请帮我画一幅水彩画：江南水乡，横版，两幅，不要有文字和水印，谢谢！',
    '水彩画：江南水乡',
    { count: 2, aspect: '4:3', negative: '文字, 水印' },
  ],
  ['无人机航拍的海岸线', '无人机航拍的海岸线', {}],
  ['背景不要太亮的花瓶', '背景不要太亮的花瓶', {}],
  ['三张三只猫的图', '三只猫', { count: 3 }],
  ['海边日落，不要出现人物，也不要船', '海边日落', { negative: '人物, 船' }],
  ['一只红狐狸在雪地里，竖图，两张', '一只红狐狸在雪地里', { aspect: '3:4', count: 2 }],
  ['画一只在雪地里的红狐狸，16:9，种子42', '一只在雪地里的红狐狸', { seed: '42', aspect: '16:9' }],
  ['帮我画四张红狐狸', '红狐狸', { count: 4 }],
  ['来两张猫咪的图', '猫咪', { count: 2 }],
  ['一张桌子上的苹果', '一张桌子上的苹果', {}],
  ['画家在海边', '画家在海边', {}],
  ['请生成一张手机壁纸，星空下的鲸鱼', '星空下的鲸鱼', { aspect: '9:16', count: 1 }],
  ['一只猫，不要文字', '一只猫', { negative: '文字' }],
  ['一条没有人的街道，夜晚，3张', '一条街道，夜晚', { count: 3, negative: '人' }],
  ['一个女孩的头像', '一个女孩的头像', { aspect: '1:1' }],
  ['电脑壁纸，雪山日出，不要水印和文字', '雪山日出', { aspect: '16:9', negative: '水印, 文字' }],
  ['用SDXL画一只熊猫，四张', '一只熊猫', { recipe: 'sdxl', count: 4 }],
  ['画一幅油画，一条龙在云中', '油画，一条龙在云中', { count: 1 }],
  ['能不能帮我画一张月球上的兔子的图片？谢谢', '月球上的兔子', { count: 1 }],
  ['水墨画风格的竹林，横图，x4', '水墨画风格的竹林', { aspect: '4:3', count: 4 }],
  ['城市夜景 1024x768 种子：7 步数30', '城市夜景', { seed: '7', steps: 30, width: 1024, height: 768 }],
  ['出租车在雨中', '出租车在雨中', {}],
  ['赛博朋克城市，宽屏，高质量', '赛博朋克城市，高质量', { quality: 'high', aspect: '16:9' }],
  ['一只柴犬，方形，两张', '一只柴犬', { aspect: '1:1', count: 2 }],
  ['正方形构图的向日葵', '向日葵', { aspect: '1:1' }],
  ['生成6张不同的机器人', '机器人', { count: 6 }],
  ['两张床的房间', '两张床的房间', {}],
  ['一只猫和一只狗，不要有人，反向提示词：模糊，低质量', '一只猫和一只狗', { negative: '模糊, 低质量, 人' }],
  ['竖版海报：春节快乐', '海报：春节快乐', { aspect: '3:4' }],
  ['用种子42画一只猫', '一只猫', { seed: '42' }],
  ['设计师在工作室里', '设计师在工作室里', {}],
  ['１６：９的雪山', '雪山', { aspect: '16:9' }],
  ['一条没有人的街道', '一条街道', { negative: '人' }],
  ['画一条龙，CFG 5，步数 20，采样器 euler', '一条龙', { steps: 20, cfg: 5, sampler: 'euler' }],
  ['给我画三幅山水画，横版', '山水画', { aspect: '4:3', count: 3 }],
  ['画布上的油画颜料', '画布上的油画颜料', {}],
  ['雪山，随机种子99，来4张', '雪山', { seed: '99', count: 4 }],
];

/** Said beside an attached picture. */
const pictures: readonly Golden[] = [
  ['blend these two images', '', { operation: 'blend' }],
  ['combine these photos, watercolor style', 'watercolor style', { operation: 'blend' }],
  ['把这两张图融合成一张', '', { operation: 'blend' }],
  ['make it move', '', { operation: 'image-to-video' }],
  ['animate this, the waves roll in, 4 seconds', 'the waves roll', { operation: 'image-to-video', durationSeconds: 4 }],
  ['turn this photo into a short video', '', { operation: 'image-to-video' }],
  ['让它动起来', '', { operation: 'image-to-video' }],
  ['把这张照片做成视频，镜头缓慢推进，5秒', '镜头缓慢推进', { operation: 'image-to-video', durationSeconds: 5 }],
  ['outpaint to 16:9', '', { operation: 'outpaint', aspect: '16:9' }],
  ['expand the background with mountains, 16:9', 'mountains', { operation: 'outpaint', aspect: '16:9' }],
  ['扩图到16:9', '', { operation: 'outpaint', aspect: '16:9' }],
  ['upscale this', '', { operation: 'upscale' }],
  ['upscale 2x please', '', { operation: 'upscale' }],
  ['make it a watercolor painting', 'a watercolor painting', {}],
  ['remove the background', '', { operation: 'background-removal' }],
  ['放大这张图', '', { operation: 'upscale' }],
  ['把这张照片放大2倍', '', { operation: 'upscale' }],
  ['改成水彩画风格', '水彩画风格', {}],
  ['把这张图改成水彩画风格，两张', '水彩画风格', { count: 2 }],
  ['make it look like a watercolor, strength 0.4', 'a watercolor', { strength: 0.4 }],
  ['改成夜晚，重绘幅度50%', '夜晚', { strength: 0.5 }],
];

const topics: readonly (readonly [words: string, topic: ReplyTopic])[] = [
  ['make the second one darker, portrait, four of them', 'needs_picture'],
  ['第二张图里的人', 'needs_picture'],
  ['第二张再暗一点，竖图，四张', 'needs_picture'],
  ['draw something', 'no_subject'],
  ['again', 'no_subject'],
  ['再来一张', 'no_subject'],
  ['two', 'no_subject'],
  ['give me four', 'no_subject'],
  ['what is this?', 'help'],
  ['这是什么？', 'help'],
  ['make four of them, portrait', 'no_subject'],
  ['hello', 'greeting'],
  ['what can you do?', 'help'],
  ['thanks!', 'thanks'],
  ['4 images, portrait', 'no_subject'],
  ['upscale this', 'needs_picture'],
  ['五张图', 'no_subject'],
  ['你好', 'greeting'],
  ['你能做什么？', 'help'],
  ['谢谢', 'thanks'],
  ['有哪些模型', 'models'],
  ['画三张图', 'no_subject'],
  ['去背景', 'needs_picture'],
  ['make it darker', 'needs_picture'],
  ['hello, what can you do?', 'help'],
  ['你好，你能做什么？', 'help'],
];

describe('reading words', () => {
  test.each([...english, ...chinese])('%s', (words, prompt, read) => {
    expect(planWords(words, bare)).toEqual({ kind: 'picture', wish: { ...read, prompt } });
  });

  test.each(pictures)('beside a picture: %s', (words, prompt, read) => {
    expect(planWords(words, withPicture)).toEqual({ kind: 'picture', wish: { ...read, prompt } });
  });

  test.each(topics)('%s is about %s', (words, topic) => {
    expect(planWords(words, bare)).toEqual({ kind: 'topic', topic });
  });

  test.each([
    ['100 images of cats', '1 to 8'],
    ['a cat, 0 images', '1 to 8'],
    ['一百张猫的图片', '1 to 8'],
    ['九张猫', '1 to 8'],
    ['a cat, seed 18446744073709551616', 'seed'],
    ['a cat 9000x9000', 'pixels'],
    ['a cat 99999x10', 'pixels'],
    ['a cat, aspect 10:1', 'narrow'],
    ['a cat, steps 5000', 'steps'],
    ['a cat, cfg 99', 'cfg'],
    ['a cat with a bell\u0007', 'control characters'],
    ['x'.repeat(4_001), 'shorten'],
  ])('%s is refused in both languages', (words, part) => {
    const plan = planWords(words, bare);
    expect(plan).toMatchObject({
      kind: 'refused',
      message: { en: expect.stringContaining(part), zh: expect.stringMatching(/\p{Script=Han}/u) },
    });
  });
});

describe('any words', () => {
  const fragments = fc.constantFrom(
    'a red fox',
    '雪地里的红狐狸',
    ', ',
    '，',
    'two images',
    '四张',
    'x4',
    '16:9',
    '竖图',
    'portrait',
    'seed 42',
    '种子42',
    'no text',
    '不要文字',
    '1024x768',
    'please draw',
    '画',
    '的',
    ' ',
    '\n',
    '30 steps',
    'cfg 7',
    'using sdxl',
    'a',
    'of',
    '100 images',
    '--no ',
    '--seed',
    'negative prompt:',
    '(',
    ')',
    '🦊',
    '不要',
    'without',
    '放大',
    'remove the background',
    '0',
    '一',
  );
  const words = fc.oneof(
    fc.string({ maxLength: 200 }),
    fc.string({ unit: anyCharacter, maxLength: 200 }),
    fc.array(fragments, { maxLength: 15 }).map((parts) => parts.join(' ')),
    fc.array(fragments, { maxLength: 15 }).map((parts) => parts.join('')),
  );

  test('never throw, and a picture has a count from 1 to 8, a prompt, and no trace of the reading', () => {
    fc.assert(
      fc.property(words, fc.boolean(), (text, hasPicture) => {
        const plan = planWords(text, { hasPicture, vocabulary });
        const wish: PictureWish = plan.kind === 'picture' ? plan.wish : { prompt: 'none' };
        expect([undefined, 1, 2, 3, 4, 5, 6, 7, 8]).toContain(wish.count);
        expect(wish.operation ?? wish.prompt.trim()).not.toBe('');
        expect(wish.prompt).not.toMatch(/\uE000/);
        expect(wish.negative ?? 'x').not.toMatch(/\uE000|^\s*$/);
      }),
      { numRuns: 1_500, seed: 20_261_121 },
    );
  });

  test('a subject survives whatever stands around it', () => {
    const around = fc.array(
      fc.constantFrom(
        'two images',
        '16:9',
        'portrait',
        'seed 42',
        'no text',
        '30 steps',
        '1024x768',
        '四张',
        '竖图',
        '种子7',
        '不要水印',
        'high quality',
      ),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(
        around,
        around,
        fc.constantFrom('a red fox', 'zebras', '雪地里的红狐狸', '宇航员'),
        (before, after, subject) => {
          const plan = planWords([...before, subject, ...after].join(', '), bare);
          expect(plan).toMatchObject({ kind: 'picture', wish: { prompt: expect.stringContaining(subject) } });
        },
      ),
      { numRuns: 500, seed: 20_261_121 },
    );
  });

  test('however long, are read in little time', () => {
    const repeated = fc
      .tuple(fc.array(fragments, { minLength: 1, maxLength: 4 }), fc.constantFrom('', ' ', ', ', '，', '\n'))
      .map(([parts, glue]) => `${parts.join(glue)}${glue}`.repeat(4_000).slice(0, 4_000));
    const long = fc.oneof(
      repeated,
      fc.array(fragments, { minLength: 300, maxLength: 400 }).map((parts) => parts.join(' ').slice(0, 4_000)),
      fc
        .constantFrom(
          'a ',
          'no ',
          '不要',
          '1:1 ',
          ', ',
          '一',
          '张',
          '再来',
          '随便画',
          'please ',
          ' ',
          '我想要',
          'an',
          '的',
        )
        .map((part) => `${part.repeat(4_000).slice(0, 3_999)}x`),
    );
    // Backtracking would take hours and run into the time limit; reading takes milliseconds.
    fc.assert(
      fc.property(long, fc.boolean(), (text, hasPicture) => {
        expect(['picture', 'topic', 'refused']).toContain(planWords(text, { hasPicture, vocabulary }).kind);
      }),
      { numRuns: 150, seed: 20_261_121 },
    );
  });
});

describe('words about a picture', () => {
  test.each(['describe this picture', "what's in this image?", '这张图里有什么？', '描述一下这张图片'])(
    '%s asks for words, and for a picture where there is none',
    (text) => {
      expect(planWords(text, withPicture)).toEqual({ kind: 'describe' });
      expect(planWords(text, bare)).toEqual({ kind: 'topic', topic: 'needs_picture' });
    },
  );

  test.each([
    'a painter mixing colors',
    'an animated fox',
    'a blend of coffee',
    '融合咖啡馆的夜景',
    'describe a city in the style of Monet',
  ])('%s is drawn', (text) => {
    expect(planWords(text, bare)).toMatchObject({ kind: 'picture', wish: { prompt: expect.stringMatching(/\S/) } });
  });
});

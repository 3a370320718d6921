/** A sentence as packages/comfyui writes it, and the same in Chinese with its parts in place. */
type Sentence = readonly [pattern: RegExp, chinese: (...parts: string[]) => string];

/** A name in quotes, as it is shown. */
const NAME = '("(?:[^"\\\\]|\\\\.)*"|[^\\s,;:]+)';

function sentence(english: string, chinese: (...parts: string[]) => string): Sentence {
  return [new RegExp(`^${english}\\s*`, 'u'), chinese];
}

/** Who is spoken of: what comes before the sentence itself. */
const LEADS: readonly Sentence[] = [
  sentence(
    `Node ${NAME} \\((.+?)\\), input ${NAME}[:,]`,
    (id = '', name = '', input = '') => `节点 ${id}（${name}）的输入 ${input}：`,
  ),
  sentence(`Node ${NAME} \\((.+?)\\):`, (id = '', name = '') => `节点 ${id}（${name}）：`),
  sentence(`Node ${NAME}:`, (id = '') => `节点 ${id}：`),
  sentence('The recipe ([\\w:-]+) does not run on this ComfyUI:', (id = '') => `配方 ${id} 无法在此 ComfyUI 上运行：`),
  sentence('([a-z][a-z0-9]{0,39}):', (parameter = '') => `${parameterTitle(parameter)}：`),
];

const PARAMETERS: Readonly<Record<string, string>> = {
  prompt: '提示词',
  negative: '反向提示词',
  seed: '种子',
  width: '宽度',
  height: '高度',
  count: '图片数量',
  frames: '帧数',
  steps: '步数',
  cfg: '提示词权重（CFG）',
  guidance: '引导强度',
  sampler: '采样器',
  scheduler: '调度器',
  denoise: '改变程度（降噪）',
  strength: '强度',
  model: '模型',
  loras: 'LoRA',
  image: '图片',
  images: '图片',
  mask: '蒙版',
};

function parameterTitle(name: string): string {
  const plain = name.replace(/\d+$/, '');
  const title = PARAMETERS[plain];
  return title === undefined ? name : `${title}${name.slice(plain.length)}`;
}

const FILE_FOLDERS = '([\\w-]+)';

const SENTENCES: readonly Sentence[] = [
  // Parameters of recipes.
  sentence('is not a number\\.', () => '不是数字。'),
  sentence('Allowed: (.+?) to (.+?)\\.(?=\\s|$)', (min = '', max = '') => `允许 ${min} 到 ${max}。`),
  sentence('(.+?) is not a whole number\\.', (value = '') => `${value} 不是整数。`),
  sentence('Nearest allowed value: (.+?)\\.(?=\\s|$)', (value = '') => `最接近的可用值：${value}。`),
  sentence(
    '(.+?) is out of range; allowed are (.+?) to (.+?)\\.(?=\\s|$)',
    (value = '', min = '', max = '') => `${value} 超出范围，允许 ${min} 到 ${max}。`,
  ),
  sentence(
    'a seed is a whole number from 0 to (\\d+), or -1 for a random one\\.',
    (max = '') => `种子应为 0 到 ${max} 的整数，-1 表示随机。`,
  ),
  sentence('a text is needed\\.', () => '需要填写文字。'),
  sentence('Say in a few words what the picture shows\\.', () => '请用几个词描述画面。'),
  sentence('(\\d+) characters are too many\\.', (count = '') => `${count} 个字符太长。`),
  sentence('Shorten it to (\\d+)\\.', (max = '') => `请缩短到 ${max} 个以内。`),
  sentence('(".*?") is not offered here\\.', (value = '') => `此处没有 ${value}。`),
  sentence('an image is needed\\.', () => '需要一张图片。'),
  sentence('Attach a picture, or name one that was uploaded\\.', () => '请附上图片，或指定已上传的图片。'),
  sentence(
    '(\\d+) images; allowed are (\\d+) to (\\d+)\\.',
    (count = '', min = '', max = '') => `有 ${count} 张图片，应为 ${min} 到 ${max} 张。`,
  ),
  sentence('Attach more or fewer pictures\\.', () => '请增减图片。'),
  sentence(
    '(\\d+) LoRAs; allowed are (\\d+) to (\\d+)\\.',
    (count = '', min = '', max = '') => `有 ${count} 个 LoRA，应为 ${min} 到 ${max} 个。`,
  ),
  sentence('This server has: (.+?)\\.(?=\\s|$)', (names = '') => `此服务器有：${names}。`),
  sentence(
    'the strength of (.+?) must be from (\\S+) to (\\S+?)\\.(?=\\s|$)',
    (name = '', min = '', max = '') => `${name} 的强度应为 ${min} 到 ${max}。`,
  ),
  sentence('is yes or no\\.', () => '应为是或否。'),
  sentence('Write true or false\\.', () => '请写 true 或 false。'),
  sentence('is a file name\\.', () => '应为文件名。'),
  sentence(
    `This ComfyUI has no ${FILE_FOLDERS} file (".*?")\\.`,
    (folder = '', name = '') => `此 ComfyUI 的 ${folder} 中没有文件 ${name}。`,
  ),
  sentence(
    'This ComfyUI has no file for (\\w+): (.+?) in ([\\w-]+)\\.(?=\\s|$)',
    (name = '', _needs = '', folder = '') => `此 ComfyUI 的 ${folder} 中没有可用作“${parameterTitle(name)}”的文件。`,
  ),
  sentence(
    'Put (.+?) into models/([\\w-]+), or choose another recipe\\.',
    (_what = '', folder = '') => `请在 models/${folder} 中放入所需文件，或换一个配方。`,
  ),
  sentence(
    '(\\S+) looks like an? ([\\w-]+) model; this recipe needs (.+?)\\.(?=\\s|$)',
    (file = '', family = '') => `${file} 看起来是 ${family} 模型，不适用于此配方。`,
  ),
  sentence('Fitting here: (.+?)\\.(?=\\s|$)', (names = '') => `此处可用：${names}。`),
  sentence('Choose a recipe for that family\\.', () => '请选择适合该模型的配方。'),
  sentence('The recipe ([\\w:-]+) has no parameter (".*?")\\.', (_id = '', name = '') => `没有参数 ${name}。`),
  sentence('The workflow has no parameter (".*?")\\.', (name = '') => `工作流没有参数 ${name}。`),
  sentence('There is no recipe (".*?")\\.', (name = '') => `没有配方 ${name}。`),
  // Choices near a wrong one.
  sentence('Did you mean (.+?)\\?', (names = '') => `是否指 ${names.replaceAll(' or ', ' 或 ')}？`),
  sentence('There are: (.+?)\\.(?=\\s|$)', (names = '') => `可选：${names}。`),
  sentence(
    'There are (\\d+), such as (.+?)\\.(?=\\s|$)',
    (count = '', names = '') => `共有 ${count} 个，例如 ${names}。`,
  ),
  // Workflows that cannot be read.
  sentence('Not valid JSON: (.+?)(?=$)', () => '不是有效的 JSON。'),
  sentence('A workflow is a JSON object\\.', () => '工作流应为 JSON 对象。'),
  sentence('Give the JSON that ComfyUI exports, in either format\\.', () => '请提供 ComfyUI 导出的 JSON（任一格式）。'),
  sentence('A workflow in API format is an object of nodes\\.', () => 'API 格式的工作流应为由节点组成的对象。'),
  sentence(
    'A workflow is an object of nodes in API format, each under its id\\.',
    () => '工作流应为 API 格式，每个节点以其 id 为键。',
  ),
  sentence(`Node ${NAME} is not an object\\.`, (id = '') => `节点 ${id} 不是对象。`),
  sentence(`Node ${NAME} has no class_type\\.`, (id = '') => `节点 ${id} 缺少 class_type。`),
  sentence(`Node ${NAME} has inputs that are not an object\\.`, (id = '') => `节点 ${id} 的 inputs 不是对象。`),
  sentence(
    'Export the workflow in API format: a front-end file has "nodes" and "links" instead\\.',
    () => '请以 API 格式导出工作流。',
  ),
  sentence(
    'The workflow has (\\d+) nodes; at most (\\d+) are (?:read|allowed)\\.(?: Split it into parts\\.)?',
    (count = '', max = '') => `工作流有 ${count} 个节点，最多允许 ${max} 个，请拆分。`,
  ),
  sentence(
    'The workflow has no nodes\\. Add at least one that saves a result\\.',
    () => '工作流没有节点，请至少添加一个保存结果的节点。',
  ),
  sentence(
    'The workflow has no output node that this ComfyUI knows\\.',
    () => '工作流中没有此 ComfyUI 认识的输出节点。',
  ),
  sentence('Add a SaveImage node\\.', () => '请添加 SaveImage 节点。'),
  sentence(
    'Nothing here makes a result\\. Add an output node, such as (.+?)\\.(?=\\s|$)',
    (names = '') => `工作流不产生结果，请添加输出节点，例如 ${names}。`,
  ),
  sentence('The workflow has a cycle: (.+?)\\.(?=\\s|$)', (path = '') => `工作流的连线成环：${path}。`),
  sentence(
    'These nodes feed each other in a circle: (.+?)\\. Remove one of the links\\.',
    (path = '') => `这些节点互相连成了环：${path}，请去掉其中一条连线。`,
  ),
  sentence(
    "These nodes need each other's results: (.+?)\\. Remove one of the links\\.",
    (path = '') => `这些节点互相依赖：${path}，请去掉其中一条连线。`,
  ),
  sentence('Remove one of these links: a node cannot need its own result\\.', () => '请去掉其中一条连线。'),
  // What the gate refuses.
  sentence(
    `this server has no node class ${NAME}\\. Use another class, or install the pack that has it\\.`,
    (name = '') => `此服务器没有节点 ${name}，请换用其他节点或安装对应的节点包。`,
  ),
  sentence('This server has no class (".*?")\\.', (name = '') => `此服务器没有节点 ${name}。`),
  sentence('Install the pack that has it, or use another\\.', () => '请安装对应的节点包，或换用其他节点。'),
  sentence(
    'the class (.+?) may not be used, because its pack (.+?) is not on the list of allowed packs\\. Remove the node\\.',
    (name = '', pack = '') => `不允许使用节点 ${name}：其节点包 ${pack} 未被允许，请移除该节点。`,
  ),
  sentence(
    'the class (.+?) may not be used, because (.+?)\\. Remove the node\\.',
    (name = '') => `出于安全原因不允许使用节点 ${name}，请移除该节点。`,
  ),
  sentence('the class has no such input\\.', () => '该节点没有此输入。'),
  sentence('Remove it\\.', () => '请移除。'),
  sentence(
    'it takes a link to an output of type (\\S+), not a value\\.',
    (type = '') => `应连接 ${type} 类型的输出，而不是填写值。`,
  ),
  sentence(`it is linked to node ${NAME}, which does not exist\\.`, (id = '') => `连接到了不存在的节点 ${id}。`),
  sentence(
    `node ${NAME} gives (\\S+) there, but (\\S+) is needed\\.`,
    (id = '', given = '', needed = '') => `节点 ${id} 的该输出为 ${given}，需要 ${needed}。`,
  ),
  sentence('it takes a whole number, written without quotes\\.', () => '应为不带引号的整数。'),
  sentence('it takes a number, written without quotes\\.', () => '应为不带引号的数字。'),
  sentence('it takes true or false, written without quotes\\.', () => '应为不带引号的 true 或 false。'),
  sentence('it takes a text\\.', () => '应为文字。'),
  sentence(
    '(\\S+) is below the least allowed value, (\\S+?)\\.(?=\\s|$)',
    (value = '', min = '') => `${value} 小于最小值 ${min}。`,
  ),
  sentence(
    '(\\S+) is above the greatest allowed value, (\\S+?)\\.(?=\\s|$)',
    (value = '', max = '') => `${value} 大于最大值 ${max}。`,
  ),
  sentence(
    'this server has no file (.+?)\\. Use one that it lists\\.',
    (name = '') => `此服务器没有文件 ${name}，请使用列表中的文件。`,
  ),
  sentence('(.+?) is not one of the allowed values\\.', (value = '') => `${value} 不是可选值。`),
  sentence('(.+?) is not there\\.', (name = '') => `没有 ${name}。`),
  sentence('there is no file (.+?)\\. Upload it first\\.', (name = '') => `没有文件 ${name}，请先上传。`),
  sentence('choose one of: (.+?)\\.(?=\\s|$)', (names = '') => `请选择：${names}。`),
  sentence(
    'the text has (\\d+) characters; at most (\\d+) are allowed\\.',
    (count = '', max = '') => `文字有 ${count} 个字符，最多 ${max} 个。`,
  ),
  sentence(
    'The workflow loads (\\d+) different model files; at most (\\d+) are allowed\\. Use fewer\\.',
    (count = '', max = '') => `工作流加载了 ${count} 个模型文件，最多 ${max} 个，请减少。`,
  ),
  sentence(
    'The workflow asks for (.+?) pixel steps \\(.+?\\); at most (.+?) are allowed\\. Use a smaller size, fewer steps or a smaller batch\\.',
    () => '工作量超出上限，请减小尺寸、步数或张数。',
  ),
  sentence(
    'the (?:name|text) (".*?") (?:steps|is an absolute|is a path|has|names|is an address|looks|begins|ends|is not|is too).*$',
    (value = '') => `${value} 含有路径、网址或特殊字符，请改用普通的名称。`,
  ),
  sentence('the text has control characters\\. Remove them\\.', () => '文字中含有控制字符，请移除。'),
  sentence(
    'the (.+?) comes? to (.+?); at most (.+?) are allowed\\..*$',
    (_what = '', given = '', most = '') => `工作量 ${given} 超出上限 ${most}，请减小。`,
  ),
  // What ComfyUI would refuse.
  sentence(
    'It needs (\\S+?)\\. Link it to (.+?)\\.(?=\\s|$)',
    (type = '', outputs = '') => `需要 ${type}，请连接到 ${outputs.replaceAll(' or ', ' 或 ')}。`,
  ),
  sentence(
    'It needs (\\S+?), which no other node here gives\\.(?: Add a node that does, such as (.+?)\\.(?=\\s|$))?',
    (type = '', names = '') =>
      `需要 ${type}，但没有节点提供${names === '' || names === 'undefined' ? '' : `，请添加例如 ${names} 的节点`}。`,
  ),
  sentence(
    'Use a number (.+?)\\.(?=\\s|$)',
    (range = '') => `请使用 ${range.replace('from ', '从 ').replace('up to ', '到 ')} 的数字。`,
  ),
  sentence(
    'Choose one of its (\\d+) values, such as (.+?)\\.(?=\\s|$)',
    (count = '', names = '') => `请从 ${count} 个可选值中选择，例如 ${names}。`,
  ),
  sentence('Choose one of its values, such as (.+?)\\.(?=\\s|$)', (names = '') => `请从可选值中选择，例如 ${names}。`),
  sentence('The server lists nothing for it: the files are missing there\\.', () => '服务器上没有可用的文件。'),
  sentence('Input (".*?") has to be the name of a file\\.', (name = '') => `输入 ${name} 应为文件名。`),
];

function takeFirst(rules: readonly Sentence[], text: string): { chinese: string; rest: string } | undefined {
  for (const [pattern, chinese] of rules) {
    const match = pattern.exec(text);
    if (match === null) continue;
    return { chinese: chinese(...match.slice(1).map((part) => part ?? '')), rest: text.slice(match[0].length) };
  }
  return undefined;
}

/**
 * What packages/comfyui says in English, in Chinese: sentence by sentence, names and numbers kept. What is not known stays
 * as it is behind what is; undefined where nothing is known.
 */
export function toChinese(text: string): string | undefined {
  let rest = text.trim();
  let lead = '';
  for (let found = takeFirst(LEADS, rest); found !== undefined; found = takeFirst(LEADS, rest)) {
    lead += found.chinese;
    rest = found.rest;
  }
  let body = '';
  for (let found = takeFirst(SENTENCES, rest); found !== undefined && rest !== ''; found = takeFirst(SENTENCES, rest)) {
    body += found.chinese;
    rest = found.rest;
  }
  if (body === '') return undefined;
  return rest === '' ? `${lead}${body}` : `${lead}${body}（${rest}）`;
}

import {
  answerCommand,
  channelOption,
  choice,
  choiceOption,
  described,
  local,
  personOption,
  required,
  subcommand,
  textOption,
  wholeOption,
} from './command-builders.ts';
import type { CommandOption, LocalText } from './command-spec.ts';
import { drawingOptions } from './drawing-options.ts';

const instance = textOption(
  'instance',
  '服务器',
  local('Name of the ComfyUI; without it: all', 'ComfyUI 名称；不填为全部'),
  {
    maxLength: 100,
    suggest: 'instance',
  },
);
const person = personOption('person', '成员', local('Who', '谁'));
/** Whom a rule is about: one of these, or the place where it is said. */
const subjects: readonly CommandOption[] = [
  person,
  textOption('role', '身份组', local('Everybody with this role, by its id', '拥有该身份组的人（身份组 ID）'), {
    maxLength: 100,
  }),
  channelOption('channel', '频道', local('This channel or group', '该频道或群组')),
  choiceOption('here', '此处', local('The channel or the server where you say this', '当前频道或当前服务器'), [
    choice('channel', 'This channel', '当前频道'),
    choice('guild', 'This server', '当前服务器'),
  ]),
  textOption('command', '命令', local('For this command alone', '仅针对此命令'), { suggest: 'command', maxLength: 40 }),
];

/** A limit, of which 0 means none. */
const limit = (name: string, zhName: string, description: LocalText, max: number): CommandOption =>
  wholeOption(name, zhName, description, { min: 0, max });
const wordList = (name: string, zhName: string, description: LocalText): CommandOption =>
  textOption(name, zhName, description, { maxLength: 2_000 });

/** What operators do; each of these is written into the audit log. */
export const adminCommand = answerCommand(
  'admin',
  '管理',
  local('For operators: the queue, limits and who may do what', '管理员：队列、限额和权限'),
  local('/admin pause', '/管理 暂停'),
  {
    adminOnly: true,
    subcommands: [
      subcommand(
        'pause',
        '暂停',
        local('No new job starts; what runs goes on', '不再开始新任务；运行中的继续'),
        [instance],
        'instance',
      ),
      subcommand('resume', '恢复', local('Jobs start again', '恢复开始任务'), [instance], 'instance'),
      subcommand(
        'reserve',
        '预留',
        local(
          'Keep a ComfyUI for some people; without people: show for whom it is kept',
          '将 ComfyUI 预留给某些成员；不填成员则显示',
        ),
        [
          described(required(instance), 'Name of the ComfyUI', 'ComfyUI 名称'),
          textOption(
            'people',
            '成员',
            local(
              'Mentions or ids, between commas; "everybody" gives it back',
              '提及或 ID，用逗号隔开；“everybody”表示恢复共用',
            ),
            { maxLength: 1_000 },
          ),
        ],
        'instance',
      ),
      subcommand(
        'priority',
        '优先级',
        local('Put a request before the others, or behind them', '调整请求的优先级'),
        [
          required(drawingOptions.job),
          wholeOption('level', '级别', local('Higher goes first; 0 is usual', '越高越先；0 为普通'), {
            required: true,
            min: -10,
            max: 10,
          }),
        ],
        'job',
      ),
      subcommand(
        'quota',
        '限额',
        local("A person's limits; 0 lifts one; without numbers: show them", '成员的限额；0 为不限；不填则显示'),
        [
          required(person),
          limit('gpu_seconds', '每日秒数', local('GPU seconds a day', '每日 GPU 秒数'), 86_400),
          limit('images', '每日张数', local('Pictures a day', '每日图片数'), 100_000),
          limit('pending', '待处理', local('Jobs that wait at a time', '同时等待的任务数'), 1_000),
          wholeOption(
            'share',
            '份额',
            local('GPU time in percent of the usual: 200 is twice', '相对常规 GPU 时间的百分比：200 为两倍'),
            {
              min: 10,
              max: 10_000,
            },
          ),
        ],
        'person',
      ),
      subcommand(
        'allow',
        '允许',
        local('Once somebody is allowed, only who is allowed may ask', '一旦设置允许，仅被允许者可用'),
        subjects,
      ),
      subcommand('deny', '禁止', local('Refuse somebody, a role or a place', '禁止某人、身份组或地点'), subjects),
      subcommand('clear', '清除', local('Take back what was allowed or denied', '撤销允许或禁止'), subjects),
      subcommand('limits', '限制', local('Limits for everybody; without options: show them', '全员限制；不填则显示'), [
        wholeOption('rate', '频率', local('Requests a person may make in a minute', '每人每分钟的请求数'), {
          min: 1,
          max: 1_000,
        }),
        wordList('block', '屏蔽', local('Words that are refused, between commas', '屏蔽词，用逗号隔开')),
        wordList('unblock', '解除屏蔽', local('Words that are no longer refused', '解除屏蔽的词')),
        wordList(
          'adult',
          '成人词',
          local('All words that are only for channels for adults; "none" for none', '仅限成人频道的词；“none”表示无'),
        ),
      ]),
      subcommand(
        'policy',
        '策略',
        local(
          'Which node packs and classes workflows may use; without options: show them',
          '工作流可用的节点包和节点；不填则显示',
        ),
        [
          textOption('pack', '节点包', local('This pack, or all of its classes', '该节点包，或其全部节点'), {
            maxLength: 200,
            suggest: 'pack',
          }),
          textOption('class', '节点', local('This class', '该节点'), { maxLength: 200, suggest: 'class' }),
          choiceOption('decision', '决定', local('Without it: show what holds', '不填则显示当前状态'), [
            choice('allow', 'Allow', '允许'),
            choice('deny', 'Deny', '禁止'),
            choice('default', 'As it is built in', '恢复默认'),
          ]),
          textOption('reason', '原因', local('Why, for those who are refused', '原因，会告知被拒绝的人'), {
            maxLength: 500,
          }),
        ],
        'class',
      ),
      subcommand(
        'status',
        '状态',
        local('GPUs, queue, rules, reports and what operators did last', 'GPU、队列、规则、举报和最近的管理操作'),
      ),
    ],
  },
);

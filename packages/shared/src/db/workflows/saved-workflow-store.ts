import { MAX_WORKFLOW_CHARS, type PublicError } from '../../contracts/request.ts';
import { uuidSchema } from '../../contracts/identity.ts';
import type { Database } from '../connect-database.ts';
import { withDatabaseErrors } from '../database-error.ts';
import {
  savedWorkflowSchema,
  savedWorkflowSummarySchema,
  workflowValuesSchema,
  type SavedWorkflow,
  type SavedWorkflowSummary,
  type WorkflowValues,
} from './saved-workflow.ts';

/** Most workflows that one person keeps. */
export const MAX_SAVED_WORKFLOWS = 200;
const MAX_NAME_CHARS = 60;
const MAX_TITLE_CHARS = 200;
const MAX_DEFAULTS = 100;

type Refused = { outcome: 'refused'; message: PublicError['message'] };
/** `not_found` also where it is somebody else's and not shared. */
export type WorkflowChange = { outcome: 'done'; workflow: SavedWorkflow } | { outcome: 'not_found' } | Refused;

export interface WorkflowAddition {
  /** A new UUID. */
  id: string;
  personId: string;
  name: string;
  /** Default: the name. */
  title?: string;
  /** API format or the front end's, as JSON text. */
  text: string;
}

/** Why a name cannot be one; undefined where it can. */
function nameProblem(name: string): PublicError['message'] | undefined {
  const isId = uuidSchema.safeParse(name).success || /^wf:/i.test(name);
  if (name !== '' && name.length <= MAX_NAME_CHARS && !/[\p{Cc}\p{Cf}]/u.test(name) && !isId) return undefined;
  return {
    en: `A workflow's name has 1 to ${MAX_NAME_CHARS} characters and does not begin with “wf:”; choose another.`,
    zh: `工作流名称应为 1 到 ${MAX_NAME_CHARS} 个字符，且不能以“wf:”开头，请换一个名称。`,
  };
}

/** A first look at a text that a person brought: what it means is read when it runs, by the node classes of that day. */
function textProblem(text: string): PublicError['message'] | undefined {
  if (text.length > MAX_WORKFLOW_CHARS) {
    return {
      en: `The workflow has ${text.length} characters; at most ${MAX_WORKFLOW_CHARS} are kept.`,
      zh: `工作流有 ${text.length} 个字符，最多 ${MAX_WORKFLOW_CHARS} 个。`,
    };
  }
  const notOne = {
    en: 'This is no ComfyUI workflow; give the JSON that ComfyUI exports, or a PNG that it saved.',
    zh: '这不是 ComfyUI 工作流，请提供 ComfyUI 导出的 JSON，或它保存的 PNG 图片。',
  };
  try {
    // Python writes NaN into JSON, and ComfyUI reads it.
    const value: unknown = JSON.parse(text.replaceAll(/(?<=[:[,]\s*)(?:NaN|-?Infinity)(?=\s*[,\]}])/g, 'null'));
    return looksLikeWorkflow(value) ? undefined : notOne;
  } catch {
    return notOne;
  }
}

function looksLikeWorkflow(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  if ('nodes' in value && Array.isArray(value.nodes)) return true;
  return Object.values(value).some((node) => typeof node === 'object' && node !== null && 'class_type' in node);
}

function nameTaken(name: string): Refused {
  return {
    outcome: 'refused',
    message: {
      en: `You already have a workflow “${name}”; choose another name, or delete that one first.`,
      zh: `您已有名为“${name}”的工作流，请换一个名称，或先删除原有的。`,
    },
  };
}

/** The columns of a {@link SavedWorkflowSummary}, from `saved_workflows w left join people p`. */
function summaryColumns(db: Database) {
  return db.sql`w.id, w.person_id, coalesce(p.display_name, '') as person_name, w.name, w.title, w.shared, w.defaults, w.created_at,
    w.updated_at`;
}

/** Whether `w` is what this id or name means; own ones before shared ones, older before newer. */
function isMeant(db: Database, idOrName: string) {
  const name = idOrName.trim();
  return db.sql`(w.id::text = lower(${name}) or lower(w.name) = lower(${name}))`;
}

/** Keeps a workflow. The same text under the same name again is the same workflow. */
export async function addWorkflow(db: Database, addition: WorkflowAddition): Promise<WorkflowChange> {
  const name = addition.name.trim();
  const problem = nameProblem(name) ?? textProblem(addition.text);
  if (problem !== undefined) return { outcome: 'refused', message: problem };
  const title = (addition.title?.trim() ?? '').slice(0, MAX_TITLE_CHARS) || name;
  const rows = await withDatabaseErrors(
    () => db.sql`
    with own as (
      select count(*)::int as kept, bool_or(lower(name) = lower(${name})) as taken,
        bool_or(lower(name) = lower(${name}) and workflow_text = ${addition.text}) as same
      from saved_workflows where person_id = ${addition.personId}
    ), added as (
      insert into saved_workflows (id, person_id, name, title, workflow_text)
      select ${addition.id}::uuid, ${addition.personId}::uuid, ${name}, ${title}, ${addition.text} from own
      where kept < ${MAX_SAVED_WORKFLOWS}
      on conflict do nothing returning id
    )
    select kept, coalesce(taken, false) as taken, coalesce(same, false) as same, exists (select from added) as added
    from own`,
  );
  const row = rows[0];
  if (row?.['added'] !== true && row?.['same'] !== true) {
    if (row?.['taken'] === true || Number(row?.['kept']) < MAX_SAVED_WORKFLOWS) return nameTaken(name);
    return {
      outcome: 'refused',
      message: {
        en: `You keep ${MAX_SAVED_WORKFLOWS} workflows already; delete one first.`,
        zh: `您已保存 ${MAX_SAVED_WORKFLOWS} 个工作流，请先删除一个。`,
      },
    };
  }
  const workflow = await readWorkflow(db, addition.personId, name);
  return workflow === undefined ? { outcome: 'not_found' } : { outcome: 'done', workflow };
}

/** A person's workflows and those that others share, own ones first, by name. */
export async function listWorkflows(db: Database, personId: string, limit = 200): Promise<SavedWorkflowSummary[]> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select ${summaryColumns(db)} from saved_workflows w left join people p on p.id = w.person_id
    where w.person_id = ${personId} or w.shared
    order by w.person_id <> ${personId}, lower(w.name), w.id limit ${limit}`,
  );
  return rows.map((row) => savedWorkflowSummarySchema.parse(row));
}

/** A workflow that this person may use, by id or by name: their own before a shared one. */
export async function readWorkflow(
  db: Database,
  personId: string,
  idOrName: string,
): Promise<SavedWorkflow | undefined> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select ${summaryColumns(db)}, w.workflow_text from saved_workflows w left join people p on p.id = w.person_id
    where ${isMeant(db, idOrName)} and (w.person_id = ${personId} or w.shared)
    order by w.person_id <> ${personId}, w.created_at, w.id limit 1`,
  );
  return rows[0] === undefined ? undefined : savedWorkflowSchema.parse(rows[0]);
}

/** What an owner changes of a workflow. */
export interface WorkflowSettings {
  name?: string;
  title?: string;
  /** Values for its parameters, `null` to take one back. What is not named stays. */
  defaults?: Readonly<Record<string, WorkflowValues[string] | null>>;
  shared?: boolean;
}

/** Changes one of a person's own workflows. */
export async function setWorkflow(
  db: Database,
  personId: string,
  idOrName: string,
  settings: WorkflowSettings,
): Promise<WorkflowChange> {
  const name = settings.name?.trim();
  const problem = name === undefined ? undefined : nameProblem(name);
  if (problem !== undefined) return { outcome: 'refused', message: problem };
  const entries = Object.entries(settings.defaults ?? {});
  const set = workflowValuesSchema.parse(Object.fromEntries(entries.filter(([, value]) => value !== null)));
  const removed = entries.flatMap(([key, value]) => (value === null ? [key] : []));
  const title = settings.title?.trim().slice(0, MAX_TITLE_CHARS);
  const rows = await withDatabaseErrors(
    () => db.sql`
    with own as (
      select w.id, w.name from saved_workflows w where w.person_id = ${personId} and ${isMeant(db, idOrName)}
      order by w.id::text <> lower(${idOrName.trim()}) limit 1
    ), free as (
      select id from own where not exists (
        select from saved_workflows w, own o where w.person_id = ${personId} and w.id <> o.id
          and lower(w.name) = lower(${name ?? null}::text))
    ), changed as (
      update saved_workflows w set name = coalesce(${name ?? null}::text, w.name),
        title = coalesce(nullif(${title ?? null}::text, ''), w.title), shared = coalesce(${settings.shared ?? null}::boolean, w.shared),
        defaults = (w.defaults || ${db.sql.json(set)}) - ${removed}::text[], updated_at = now()
      from free where w.id = free.id
        and (select count(*) from jsonb_object_keys((w.defaults || ${db.sql.json(set)}) - ${removed}::text[])) <= ${MAX_DEFAULTS}
      returning w.id
    )
    select own.id, exists (select from free) as free, exists (select from changed) as changed from own`,
  );
  const row = rows[0];
  if (row === undefined) return { outcome: 'not_found' };
  if (row['changed'] !== true) {
    if (row['free'] !== true) return nameTaken(name ?? '');
    return {
      outcome: 'refused',
      message: {
        en: `A workflow keeps at most ${MAX_DEFAULTS} values of its own.`,
        zh: `一个工作流最多保存 ${MAX_DEFAULTS} 个参数值。`,
      },
    };
  }
  const workflow = await readWorkflow(db, personId, String(row['id']));
  return workflow === undefined ? { outcome: 'not_found' } : { outcome: 'done', workflow };
}

/** Lets everybody use one of a person's workflows, or nobody else any more. */
export function shareWorkflow(
  db: Database,
  personId: string,
  idOrName: string,
  shared: boolean,
): Promise<WorkflowChange> {
  return setWorkflow(db, personId, idOrName, { shared });
}

/** Deletes one of a person's own workflows; false where there is none such. Jobs made of it stay. */
export async function deleteWorkflow(db: Database, personId: string, idOrName: string): Promise<boolean> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    delete from saved_workflows where id = (
      select w.id from saved_workflows w where w.person_id = ${personId} and ${isMeant(db, idOrName)}
      order by w.id::text <> lower(${idOrName.trim()}) limit 1)
    returning id`,
  );
  return rows.length > 0;
}

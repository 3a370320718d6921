import { streams, subjects, type StreamName, type SubjectKey, type Subjects } from '../contracts/subjects.ts';
import { AppError } from '../errors/app-error.ts';

type TokenNames<Subject extends string> = Subject extends `${string}{${infer Name}}${infer Rest}`
  ? Name | TokenNames<Rest>
  : never;

/** A value for each `{name}` of the key's subject; `{}` for a subject without any. */
export type SubjectTokens<K extends SubjectKey> = Record<TokenNames<Subjects[K]['subject']>, string>;
/** Tokens that are set narrow a subscription; those left out match everything. */
export type SubjectTokenFilter<K extends SubjectKey> = Partial<SubjectTokens<K>>;

/** Names on the server, for one installation: everything carries its prefix, so two of them never meet. */
export interface SubjectNames {
  /** The subject to publish on. @throws AppError `internal` where a token is missing or empty. */
  subject(key: SubjectKey, tokens: Readonly<Record<string, string>>): string;
  /** The subject to subscribe to: a token that is not given becomes `*`. */
  filter(key: SubjectKey, tokens: Readonly<Record<string, string | undefined>>): string;
  /** The tokens of a received subject. */
  tokens(key: SubjectKey, subject: string): Record<string, string>;
  stream(name: StreamName): string;
  /** The subjects that a stream keeps. */
  streamSubjects(name: StreamName): string[];
  consumer(durable: string): string;
}

const placeholder = /^\{(\w+)\}$/;

/** @param prefix letters, digits, `-` and `_`; undefined for none. */
export function createSubjectNames(prefix: string | undefined): SubjectNames {
  const subjectPrefix = prefix === undefined ? '' : `${prefix}.`;
  const namePrefix = prefix === undefined ? '' : `${prefix}_`;

  function build(key: SubjectKey, replace: (name: string) => string): string {
    const parts = subjects[key].subject.split('.').map((part) => {
      const name = placeholder.exec(part)?.[1];
      return name === undefined ? part : replace(name);
    });
    return subjectPrefix + parts.join('.');
  }

  return {
    subject: (key, tokens) =>
      build(key, (name) => {
        const value = tokens[name];
        if (value === undefined || value === '') {
          throw new AppError('internal', `the subject of ${key} needs its token ${name}`);
        }
        return encodeToken(value);
      }),
    filter: (key, tokens) =>
      build(key, (name) => {
        const value = tokens[name];
        return value === undefined ? '*' : encodeToken(value);
      }),
    tokens(key, subject) {
      const received = subject.slice(subjectPrefix.length).split('.');
      const tokens: Record<string, string> = {};
      for (const [index, part] of subjects[key].subject.split('.').entries()) {
        const name = placeholder.exec(part)?.[1];
        if (name !== undefined) tokens[name] = decodeToken(received[index] ?? '');
      }
      return tokens;
    },
    stream: (name) => namePrefix + name,
    streamSubjects: (name) => streams[name].subjects.map((subject) => subjectPrefix + subject),
    consumer: (durable) => namePrefix + durable,
  };
}

/**
 * A value as one token of a subject. Ids of ours pass unchanged; what NATS gives a meaning to (dots, wildcards, spaces)
 * and all beyond ASCII is percent-encoded, so that an instance named `10.0.0.5:8188` stays one token.
 */
export function encodeToken(value: string): string {
  return Array.from(new TextEncoder().encode(value), (byte) => {
    const char = String.fromCodePoint(byte);
    return /[A-Za-z0-9_:@-]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');
}

/** The inverse of {@link encodeToken}; a token that is not of its making comes back as it is. */
export function decodeToken(token: string): string {
  try {
    return decodeURIComponent(token);
  } catch {
    return token;
  }
}

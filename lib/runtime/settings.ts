import { isSecureUrl } from './secure-url.ts';

/** Environment variables, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A missing or malformed setting. The message names the variable and what is wrong with it, never its value. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';

  constructor(variable: string, problem: string) {
    super(`${variable} ${problem}`);
  }
}

/** Reads settings by the names of their variables. What is missing or malformed throws `SettingsError`. */
export interface Settings {
  text(variable: string): string;
  /** Undefined where it is not set, or empty. */
  optionalText(variable: string): string | undefined;
  /**
   * An issuer identifier (RFC 8414 section 2): https, no query, no fragment. http is for loopback addresses alone,
   * where nobody listens in.
   */
  issuerUrl(variable: string): string;
  /** A whole number of seconds, one at least. */
  seconds(variable: string): number;
  /** One of the words; the first of them where it is not set. */
  word<Word extends string>(variable: string, words: readonly [Word, Word]): Word;
  /** A setting with a notation of its own; undefined where it is not set. Its parser throws `SyntaxError`. */
  notation<Value>(variable: string, parse: (text: string) => Value): Value | undefined;
}

/** Each function names the settings that it needs, where it needs them. */
export function settingsOf(env: Environment): Settings {
  const optionalText = (variable: string) => env[variable] || undefined;

  function text(variable: string): string {
    const value = optionalText(variable);
    if (value === undefined) throw new SettingsError(variable, 'is not set');
    return value;
  }

  return {
    text,
    optionalText,

    issuerUrl(variable) {
      const issuer = text(variable);
      if (!URL.canParse(issuer) || !isSecureUrl(new URL(issuer))) {
        throw new SettingsError(variable, 'is not an https URL');
      }
      if (/[?#]|\/$/.test(issuer)) {
        throw new SettingsError(variable, 'has a query, a fragment or a trailing slash');
      }
      return issuer;
    },

    seconds(variable) {
      const value = text(variable);
      if (/^[1-9]\d{0,9}$/.test(value)) return Number(value);
      throw new SettingsError(variable, 'is not a whole number of seconds, one at least');
    },

    word(variable, words) {
      const value = optionalText(variable) ?? words[0];
      const word = words.find((known) => known === value);
      if (word === undefined) {
        throw new SettingsError(variable, `is neither ${words.join(' nor ')}`);
      }
      return word;
    },

    notation(variable, parse) {
      const value = optionalText(variable);
      if (value === undefined) return undefined;
      try {
        return parse(value);
      } catch (error) {
        if (error instanceof SyntaxError) throw new SettingsError(variable, error.message);
        throw error;
      }
    },
  };
}

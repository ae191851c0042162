/** What an address answered. */
export interface Answer {
  url: string;
  status: number;
  headers: Headers;
  text: string;
  /** Seconds that the clock of the answer is ahead of this machine's; undefined without a `Date`. */
  clockAhead: number | undefined;
}

/** No answer, in words. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
}

/** Milliseconds. */
const TIMEOUT = 10_000;

const REASONS: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was cut',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name cannot be looked up',
  UND_ERR_CONNECT_TIMEOUT: 'nothing answers there in time',
};

/**
 * Asks, and follows no redirect: verifiers and IAM may not either.
 *
 * @throws {NoAnswerError}
 */
export async function ask(url: string, method = 'GET'): Promise<Answer> {
  const sentAt = Date.now();
  try {
    const signal = AbortSignal.timeout(TIMEOUT);
    const response = await fetch(url, { method, redirect: 'manual', signal });
    const middle = (sentAt + Date.now()) / 2;
    const date = Date.parse(response.headers.get('date') ?? '');
    return {
      url,
      status: response.status,
      headers: response.headers,
      text: await response.text(),
      clockAhead: Number.isNaN(date) ? undefined : (date - middle) / 1000,
    };
  } catch (error) {
    throw new NoAnswerError(`${url}: ${reasonOf(error)}`, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no answer';
  if (error.name === 'TimeoutError') return `no answer within ${TIMEOUT / 1000} s`;
  const { code, message = error.message } = Object(error.cause);
  const isCertificate = /CERT|SIGNATURE|ALTNAME|ISSUER/.test(code ?? '');
  if (isCertificate) return `its certificate is not trusted (${code})`;
  return REASONS[code] ?? code ?? message;
}

/** As `ask`, with the lack of an answer as an answer. */
export async function tryToAsk(url: string, method?: string): Promise<Answer | NoAnswerError> {
  try {
    return await ask(url, method);
  } catch (error) {
    if (error instanceof NoAnswerError) return error;
    throw error;
  }
}

/** The JSON object of an answer; undefined for anything else. */
export function jsonObject({ text }: Answer): Record<string, unknown> | undefined {
  try {
    const document = JSON.parse(text);
    return typeof document === 'object' && document !== null && !Array.isArray(document)
      ? document
      : undefined;
  } catch {
    return undefined;
  }
}

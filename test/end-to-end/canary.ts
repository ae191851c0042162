/** Remembers the secrets that the tests use, and finds them where none may be. */
export interface Canary {
  /** @returns the secret */
  keep(name: string, secret: string): string;
  /** The names of the secrets that the text holds, as they are or encoded. */
  findIn(text: string): string[];
  /** How many secrets are known by names that begin so. */
  count(prefix: string): number;
}

export function createCanary(): Canary {
  const secrets = new Map<string, string>();
  return {
    keep(name, secret) {
      if (secret.length < 8) throw new Error(`${name} is too short to be searched for`);
      secrets.set(secret, name);
      return secret;
    },
    findIn(text) {
      const found = [...secrets].filter(([secret]) =>
        encodingsOf(secret).some((encoded) => text.includes(encoded)),
      );
      return found.map(([, name]) => name);
    },
    count: (prefix) => [...secrets.values()].filter((name) => name.startsWith(prefix)).length,
  };
}

/** Of a JWT the signature is enough to look for: a log that cuts tokens short is found as well. */
function encodingsOf(secret: string): string[] {
  const signature = /^eyJ[\w-]+\.eyJ[\w-]+\.([\w-]+)$/.exec(secret)?.[1];
  const bytes = Buffer.from(secret);
  return [
    signature ?? secret,
    encodeURIComponent(secret),
    new URLSearchParams({ '': secret }).toString().slice(1),
    JSON.stringify(secret).slice(1, -1),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    bytes.toString('hex'),
  ];
}

/** A `fetch` that has the canary know every access token that is answered. */
export function watchingFetch(fetch: typeof globalThis.fetch, canary: Canary) {
  return async (...parameters: Parameters<typeof globalThis.fetch>): Promise<Response> => {
    const response = await fetch(...parameters);
    if (/json/.test(response.headers.get('content-type') ?? '')) {
      keepTokens(await response.clone().text(), canary);
    }
    return response;
  };
}

export function keepTokens(text: string, canary: Canary): void {
  for (const [, token = ''] of text.matchAll(/"access_token":"([^"]+)"/g)) {
    canary.keep('access token', token);
  }
}

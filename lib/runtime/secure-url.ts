const LOOPBACK_HOSTS = ['127.0.0.1', '[::1]', 'localhost'];

export function isLoopback(url: URL): boolean {
  return LOOPBACK_HOSTS.includes(url.hostname);
}

/** https; or http on this very machine, where nobody listens in. */
export function isSecureUrl(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url));
}

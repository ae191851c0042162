/** What an operator asked for and cannot have, with the reason in words for them. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

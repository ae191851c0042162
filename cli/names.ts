/** What serverless.yml calls, in a stage, what the command line works on. */
export function namesIn(stage: string) {
  return {
    stack: `latchkey-${stage}`,
    rotateClientSecretFunction: `latchkey-${stage}-rotateClientSecret`,
    clientsTable: `latchkey-${stage}-clients`,
    resourceServersTable: `latchkey-${stage}-resource-servers`,
    usersTable: `latchkey-${stage}-users`,
    passwordsTable: `latchkey-${stage}-passwords`,
    signingKeysTable: `latchkey-${stage}-signing-keys`,
    signingKeysSecret: `latchkey/${stage}/signing-keys`,
  };
}

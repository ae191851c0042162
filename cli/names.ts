/** What serverless.yml calls, in a stage, the tables and the secret that the command line works on. */
export function namesIn(stage: string) {
  return {
    clientsTable: `latchkey-${stage}-clients`,
    resourceServersTable: `latchkey-${stage}-resource-servers`,
    usersTable: `latchkey-${stage}-users`,
    passwordsTable: `latchkey-${stage}-passwords`,
    signingKeysTable: `latchkey-${stage}-signing-keys`,
    signingKeysSecret: `latchkey/${stage}/signing-keys`,
  };
}

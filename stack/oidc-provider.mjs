/** An id as it may stand in a list and in the text of a policy. */
const ID = /^[\w.:/@+=-]{1,255}$/;

/**
 * Adds the IAM OIDC provider and its example role to the template where `oidcProvider` is `on`, and refuses what IAM,
 * or the text of the trust policy, would not take.
 */
export default class OidcProvider {
  constructor(serverless) {
    this.hooks = {
      'before:package:finalize': () => {
        const { template, issuer, lists } = serverless.service.custom.oidcProvider;
        if (template === '') throw new serverless.classes.Error('oidcProvider is either on or off');
        if (template.Resources === undefined) return;
        const problem = issuerProblem(issuer) ?? listsProblem(lists);
        if (problem) throw new serverless.classes.Error(`oidcProvider is on, but ${problem}`);
        const { compiledCloudFormationTemplate: compiled } = serverless.service.provider;
        Object.assign(compiled.Resources, template.Resources);
        Object.assign(compiled.Outputs, template.Outputs);
      },
    };
  }
}

/** An issuer that CloudFormation makes up is an HTTP API's: https, and without a port. */
function issuerProblem(issuer) {
  if (typeof issuer !== 'string') return undefined;
  const isTaken = /^https:\/\/[^/:?#@]+(\/[^?#]*)?$/.test(issuer);
  return isTaken
    ? undefined
    : `IAM takes no issuer ${issuer}: https, and no port, query or fragment`;
}

function listsProblem(lists) {
  for (const [name, list] of Object.entries(lists)) {
    const ids = String(list ?? '').split(',');
    if (ids.some((id) => !ID.test(id)))
      return `${name} is not a comma-separated list of ids: "${list}"`;
    if (new Set(ids).size < ids.length) return `${name} names an id twice`;
  }
  return undefined;
}

/**
 * Takes out of the template what serverless puts into every one and nothing here makes use of: the role that
 * functions without statements of their own would share, and dependencies that a reference states already.
 */
export default class LeanTemplate {
  constructor(serverless) {
    this.hooks = {
      'before:package:finalize': () => {
        const { Resources } = serverless.service.provider.compiledCloudFormationTemplate;
        dropSharedRole(Resources);
        for (const resource of Object.values(Resources)) dropImpliedDependencies(resource);
      },
    };
  }
}

function dropSharedRole(resources) {
  const { IamRoleLambdaExecution: role, ...others } = resources;
  if (role && !refersTo(others, 'IamRoleLambdaExecution')) delete resources.IamRoleLambdaExecution;
}

function dropImpliedDependencies(resource) {
  const dependencies = [resource.DependsOn ?? []].flat();
  const stated = dependencies.filter((name) => !refersTo(resource.Properties, name));
  if (stated.length === dependencies.length) return;
  if (stated.length > 0) resource.DependsOn = stated;
  else delete resource.DependsOn;
}

/** Whether `Ref` or `Fn::GetAtt` names the resource anywhere in it. */
function refersTo(value, name) {
  const text = JSON.stringify(value);
  return text.includes(`{"Ref":"${name}"}`) || text.includes(`{"Fn::GetAtt":["${name}",`);
}

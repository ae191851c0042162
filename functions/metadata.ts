import { createMetadataEndpoint } from '../lib/endpoints/metadata.ts';
import { lambdaHandler } from '../lib/lambda/http-handler.ts';
import { consoleLog } from '../lib/runtime/log.ts';
import { settingsOf } from '../lib/runtime/settings.ts';

const issuer = settingsOf(process.env).issuerUrl('ISSUER');

export const handler = lambdaHandler(createMetadataEndpoint({ issuer }), { log: consoleLog });

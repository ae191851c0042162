import { readMetadataConfig } from '../lib/config.ts';
import { createMetadataEndpoint } from '../lib/endpoints/metadata.ts';
import { lambdaHandler } from '../lib/http/lambda.ts';
import { consoleLog } from '../lib/log.ts';

const { issuer } = readMetadataConfig(process.env);

export const handler = lambdaHandler(createMetadataEndpoint({ issuer }), { log: consoleLog });

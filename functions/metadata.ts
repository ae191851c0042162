import { createMetadataEndpoint } from '../lib/endpoints/metadata.ts';
import { lambdaHandler } from '../lib/lambda/http-handler.ts';
import { consoleLog } from '../lib/runtime/log.ts';
import { readMetadataConfig } from './config.ts';

const { issuer } = readMetadataConfig(process.env);

export const handler = lambdaHandler(createMetadataEndpoint({ issuer }), { log: consoleLog });

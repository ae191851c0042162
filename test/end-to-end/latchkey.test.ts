import { afterAll, beforeAll } from 'vitest';
import { START_TIMEOUT } from './local-stack.ts';
import { endSharedStack, startSharedStack } from './shared-stack.ts';
import './clients.suite.ts';
import './verifiers.suite.ts';
import './contracts.suite.ts';
import './authorizer.suite.ts';
import './surface.suite.ts';
import './request-forms.suite.ts';
import './errors.suite.ts';
import './demonstration.suite.ts';
import './rotation.suite.ts';
import './end.suite.ts';

// One start, which takes seconds, for all suites. They run in this order, the end last.
beforeAll(startSharedStack, START_TIMEOUT);
afterAll(endSharedStack);

// Has an engine and its images ready before the tests ask for them: see .ci/run.
import { dockerEnvironment } from './engine.js';

dockerEnvironment();

export { hasBearerToken } from './bearer-token.js';
export { lacksHost } from './broken-requests.js';
export {
  eventLogSettings,
  localeSetting,
  serverSettings,
  type EventLogSettings,
  type Locale,
  type ServerSettings,
} from './common-settings.js';
export { startHttpApp, type HttpApp, type HttpAppOptions } from './http-app.js';
export { inTurn } from './in-turn.js';
export { runMain, type MainOptions, type RunningApp } from './lifecycle.js';
export { Logger, type LogLevel } from './logger.js';
export { SettingsError, SettingsReader, StartError, type DeclaredSetting, type Environment, type SettingProblem } from './settings.js';
export { NODE_RANGE, VERSION } from './version.js';

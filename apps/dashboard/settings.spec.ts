import { describe, expect, it } from 'vitest';
import { dashboardSettings } from './settings.js';

describe('dashboardSettings', () => {
  it('has defaults', () => {
    expect(dashboardSettings({})).toEqual({ locale: 'en', apiToken: undefined, colored: undefined, canMove: true });
  });

  it('reads the environment, an empty variable as unset', () => {
    const read = dashboardSettings({ LOCALE: 'zh', API_TOKEN: ' ', TERM: 'dumb' });
    expect(read).toEqual({ locale: 'zh', apiToken: undefined, colored: undefined, canMove: false });
    expect(dashboardSettings({ API_TOKEN: 'secret', LOCALE: '' })).toMatchObject({ locale: 'en', apiToken: 'secret' });
  });

  it('knows no other language', () => {
    expect(dashboardSettings({ LOCALE: 'fr' }).locale).toBeUndefined();
  });

  it.each([
    [{ NO_COLOR: '1' }, false],
    [{ NO_COLOR: '' }, undefined],
    [{ FORCE_COLOR: '1' }, true],
    [{ FORCE_COLOR: '0' }, false],
    [{ FORCE_COLOR: '3', NO_COLOR: '1' }, true],
  ])('takes colours from %j', (env, colored) => {
    expect(dashboardSettings(env).colored).toBe(colored);
  });
});

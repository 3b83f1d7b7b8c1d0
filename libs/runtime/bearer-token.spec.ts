import { describe, expect, it } from 'vitest';
import { hasBearerToken } from './bearer-token.js';

describe('hasBearerToken', () => {
  it.each([undefined, '', 'Bearer other', 'Basic x'])('lets everyone in where no token is set: %s', (header) => {
    expect(hasBearerToken(header, undefined)).toBe(true);
  });

  it.each(['Bearer t0ken', 'bearer t0ken', 'BEARER   t0ken'])('takes %s', (header) => {
    expect(hasBearerToken(header, 't0ken')).toBe(true);
  });

  it.each([
    undefined,
    '',
    't0ken',
    'Bearer',
    'Bearer ',
    'Bearer t0ke',
    'Bearer t0kenx',
    'Bearer T0KEN',
    'Bearer t0ken x',
    'Basic t0ken',
    ' Bearer t0ken',
  ])('refuses %j', (header) => {
    expect(hasBearerToken(header, 't0ken')).toBe(false);
  });
});

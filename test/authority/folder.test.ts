import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defaultAuthorityFolder } from '../../src/authority/index.ts';

const HOME = '/home/ann';

describe('the folder of the authority', () => {
  const cases: [does: string, NodeJS.Platform, NodeJS.ProcessEnv, expected: string][] = [
    ['is what SOFTPROBE_CA_DIR names', 'linux', { HOME, SOFTPROBE_CA_DIR: '/srv/ca' }, '/srv/ca'],
    ['is absolute', 'linux', { HOME, SOFTPROBE_CA_DIR: 'ca/..' }, process.cwd()],
    ['is in ~/.config', 'linux', { HOME, SOFTPROBE_CA_DIR: '' }, '/home/ann/.config/softprobe'],
    ['is in XDG_CONFIG_HOME', 'linux', { HOME, XDG_CONFIG_HOME: '/conf' }, '/conf/softprobe'],
    [
      'is not in a relative XDG_CONFIG_HOME',
      'linux',
      { HOME, XDG_CONFIG_HOME: 'conf' },
      '/home/ann/.config/softprobe',
    ],
    ['is in the library on macOS', 'darwin', { HOME }, '/home/ann/Library/Application Support/softprobe'],
    ['is in XDG_CONFIG_HOME on macOS too', 'darwin', { HOME, XDG_CONFIG_HOME: '/conf' }, '/conf/softprobe'],
    ['is in %APPDATA% on Windows', 'win32', { APPDATA: 'C:\\Roaming' }, 'C:\\Roaming\\softprobe'],
    [
      'is in the profile on Windows without it',
      'win32',
      { USERPROFILE: 'C:\\ann' },
      'C:\\ann\\AppData\\Roaming\\softprobe',
    ],
  ];
  for (const [does, platform, environment, expected] of cases) {
    it(does, () => assert.equal(defaultAuthorityFolder(environment, platform), expected));
  }

  it('is found without HOME', () => {
    assert.match(defaultAuthorityFolder({}, 'linux'), /^\/.*\/\.config\/softprobe$/);
  });
});

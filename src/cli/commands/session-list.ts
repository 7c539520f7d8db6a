import type { Command } from '../command.ts';

export const sessionList: Command = {
  words: ['session', 'list'],
  summary: 'Show the open sessions',
  examples: [['session list', 'Id, mode and revision of each']],
  async run(invocation) {
    const { ControlApi, objectsIn } = await import('../control-api.ts');
    const { table } = await import('../table.ts');
    const answer = await ControlApi.of(invocation).get('/v1/sessions');
    const sessions = objectsIn(answer, 'sessions');
    const rows = sessions.map(({ sessionId, mode, sessionRevision }) =>
      [sessionId, mode, sessionRevision].map(String),
    );
    const text =
      rows.length === 0
        ? 'no session is open'
        : table([['session', 'mode', 'revision'], ...rows], { numeric: [2] });
    return { text, fields: { sessions } };
  },
};

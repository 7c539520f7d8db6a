import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import type { WaitTarget } from './settings.ts';

/** Between two looks, in milliseconds. */
const LOOK_MS = 50;
/** One look, in milliseconds: a service that is starting up may accept and not answer. */
const PATIENCE_MS = 2000;

/**
 * Waits until a service is up: until its URL answers, with any status, or its port accepts a connection.
 *
 * @param signal ends the wait
 * @throws what `signal` was aborted with
 */
export async function waitUntilUp(target: WaitTarget, signal: AbortSignal): Promise<void> {
  while (!(await isUp(target, signal))) await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
  signal.throwIfAborted();
}

/** Looks once. True also when the look was ended by `signal`. */
export async function isUp(target: WaitTarget, signal?: AbortSignal): Promise<boolean> {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  const look = signal === undefined ? patience : AbortSignal.any([patience, signal]);
  const answers = target.kind === 'port' ? accepts(target.port, look) : responds(target.url, look);
  return (await answers) || signal?.aborted === true;
}

function accepts(port: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    // By name, not by address: services listen on 127.0.0.1 or on ::1.
    const socket = connect({ port, host: 'localhost', autoSelectFamily: true });
    const end = (isAccepted: boolean) => {
      socket.destroy();
      signal.removeEventListener('abort', giveUp);
      resolve(isAccepted);
    };
    const giveUp = () => end(false);
    signal.addEventListener('abort', giveUp, { once: true });
    socket.once('connect', () => end(true)).once('error', giveUp);
  });
}

async function responds(url: string, signal: AbortSignal): Promise<boolean> {
  // An agent of our own: no proxy of the environment stands between, and no certificate is demanded of a service
  // that is only asked whether it is there.
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false }, pipelining: 0 });
  try {
    const { body } = await request(url, { dispatcher, signal });
    await body.dump();
    return true;
  } catch {
    return false;
  } finally {
    await dispatcher.destroy();
  }
}

import {
  type AuthFixtures,
  type CaseDocument,
  CaseFileError,
  type CaseHit,
  type CaseRulesOptions,
  findAllInCase,
  findInCase,
  type HopDescription,
  InvalidDocumentError,
  type Policy,
  type Rule,
  readCaseFile,
  rulesFromCase,
  type SkippedHop,
  SoftprobeError,
  validateDocument,
  type When,
} from '../cases/index.ts';
import type {
  AppliedRules,
  ClosedSession,
  Explanation,
  LoadedCase,
  SessionChange,
  SessionState,
  SessionStats,
  StrictMiss,
} from './answers.ts';
import type { ControlApi } from './control-api.ts';
import { CaseLoadError, UnknownSessionError } from './errors.ts';
import { type OutboundMock, ruleOfMock } from './outbound-mock.ts';

/** A request that may never have been made; outbound and GET unless it says otherwise. */
export type RequestDescription = Omit<HopDescription, 'direction' | 'method'> &
  Partial<Pick<HopDescription, 'direction' | 'method'>>;

/** What {@link SoftprobeSession.mockFromCase} did. */
export interface MockedCase {
  /** Rules that were made of the recording. */
  readonly ruleCount: number;
  /** Recorded hops for which there is none. */
  readonly skipped: readonly SkippedHop[];
}

/**
 * A session of a runtime: what a test arranges for the requests that carry its id. Made by
 * `Softprobe#startSession` and `Softprobe#attach`.
 *
 * Calls that change the session are made one after the other, in the order in which they were asked for; each is in
 * force for the next request when its promise resolves. All of them reject with {@link UnknownSessionError} once
 * the session is closed, {@link RuntimeUnreachableError} when no runtime answers, and {@link RuntimeError} when it
 * refuses; nothing is changed then.
 */
export class SoftprobeSession implements AsyncDisposable {
  /** Whoever has it can send requests in this session. */
  readonly id: string;
  readonly #api: ControlApi;
  readonly #isOwn: boolean;
  #caseDocument: CaseDocument | undefined;
  /** Rules of {@link mockOutbound}, in their order; undefined until they are known. */
  #mocks: readonly Rule[] | undefined;
  /** Rules of {@link mockFromCase}. */
  #caseMocks: readonly Rule[] = [];
  /** Settled when the last change that was asked for is made, or has failed. */
  #lastChange: Promise<unknown> = Promise.resolve();
  #closing: Promise<ClosedSession> | undefined;

  constructor(api: ControlApi, id: string, origin: 'started' | 'attached') {
    this.id = id;
    this.#api = api;
    this.#isOwn = origin === 'started';
    // Somebody else may have set rules: they must not get lost when the first one is added.
    this.#mocks = this.#isOwn ? [] : undefined;
  }

  /** The header that a test adds to its requests to the ingress listener, so that they belong to this session. */
  headers(): Record<string, string> {
    return { 'x-softprobe-session-id': this.id };
  }

  /**
   * Loads a case from a file of this machine; {@link loadCase}.
   *
   * @param path relative to the working folder
   * @throws {CaseLoadError} when the file cannot be read, or is no case
   */
  async loadCaseFromFile(path: string): Promise<LoadedCase> {
    try {
      return await this.#load(await readCaseFile(path));
    } catch (error) {
      throw error instanceof CaseFileError ? new CaseLoadError(path, error) : error;
    }
  }

  /**
   * Loads a case: lookups find its hops, and the rules in it are in force, below the session's own. It replaces a
   * case that was loaded before, together with what {@link mockFromCase} had made of it.
   *
   * @throws {CaseLoadError} when the document is no case
   */
  async loadCase(document: CaseDocument): Promise<LoadedCase> {
    try {
      return await this.#load(validateDocument('case', document));
    } catch (error) {
      throw error instanceof InvalidDocumentError ? new CaseLoadError(undefined, error) : error;
    }
  }

  #load(document: CaseDocument): Promise<LoadedCase> {
    return this.#change(async () => {
      const loaded = await this.#post<LoadedCase>('/load-case', document);
      this.#caseDocument = document;
      this.#caseMocks = [];
      return loaded;
    });
  }

  /**
   * The one recorded hop for which the predicate (the keys of a rule's `when`) holds. Its `response` may be changed
   * and handed to {@link mockOutbound}.
   *
   * @throws {CaseLookupError} when it holds for none or for several; `matches` has them
   * @throws {SoftprobeError} when no case is loaded
   */
  findInCase(predicate: When): CaseHit {
    return findInCase(this.#loadedCase(), predicate);
  }

  /**
   * All recorded hops for which the predicate holds, in the order in which they were recorded.
   *
   * @throws {CaseLookupError} when it holds for none
   * @throws {SoftprobeError} when no case is loaded
   */
  findAllInCase(predicate: When): CaseHit[] {
    return findAllInCase(this.#loadedCase(), predicate);
  }

  #loadedCase(): CaseDocument {
    if (this.#caseDocument !== undefined) return this.#caseDocument;
    throw new SoftprobeError(
      'no case was loaded by this session object: call `await session.loadCaseFromFile(path)` first',
    );
  }

  /**
   * Answers outbound requests. Adds to the mocks that are set; of those that match a request, the one with the highest
   * priority wins, then the one that was set later. Setting a mock forgets which `consume: 'once'` mocks were
   * served before.
   *
   * @param mock predicates and what to answer, or a rule such as `ruleFromHit` makes one
   * @throws {TypeError} when the mock does not say what to answer
   */
  async mockOutbound(mock: OutboundMock | Rule): Promise<AppliedRules> {
    const rule = ruleOfMock(mock);
    return this.#change(async () => this.#setMocks([...(await this.#knownMocks()), rule]));
  }

  /**
   * Answers outbound requests as the loaded case has them, repeats in the recorded order (`rulesFromCase`).
   * {@link mockOutbound} goes before it, whichever is called first, and does not start its sequences anew.
   *
   * @param predicate only hops for which it holds; all when left out
   * @throws {CaseLookupError} when the predicate holds for no outbound hop
   * @throws {SoftprobeError} when no case is loaded
   */
  async mockFromCase(
    predicate?: Omit<When, 'direction'>,
    options: Pick<CaseRulesOptions, 'unknownBody'> = {},
  ): Promise<MockedCase> {
    const document = this.#loadedCase();
    const when: When = { ...predicate, direction: 'outbound' };
    if (predicate !== undefined) findAllInCase(document, when);
    const { rules, skipped } = rulesFromCase(document, { ...options, when });
    return this.#change(async () => {
      await this.#setCaseMocks(document, [...this.#caseMocks, ...rules]);
      return { ruleCount: rules.length, skipped };
    });
  }

  /** Takes back all that {@link mockOutbound} and {@link mockFromCase} have set. The case's own rules stay. */
  clearRules(): Promise<AppliedRules> {
    return this.#change(async () => {
      if (this.#caseDocument !== undefined && this.#caseMocks.length > 0) {
        await this.#setCaseMocks(this.#caseDocument, []);
      }
      return this.#setMocks([]);
    });
  }

  async #knownMocks(): Promise<readonly Rule[]> {
    return this.#mocks ?? (await this.#get<SessionState>('/state')).rules ?? [];
  }

  async #setMocks(rules: readonly Rule[]): Promise<AppliedRules> {
    const applied = await this.#post<AppliedRules>('/rules', { version: 1, rules });
    this.#mocks = rules;
    return applied;
  }

  /**
   * They are set as rules of the case, so that they yield to the session's own and are not counted anew with each
   * change of those. The runtime has the traces already and looks at none of them: only their number is told again.
   */
  async #setCaseMocks(document: CaseDocument, rules: readonly Rule[]): Promise<void> {
    await this.#post<LoadedCase>('/load-case', {
      ...document,
      traces: document.traces.map(() => ({ resourceSpans: [] })),
      rules: [...rules, ...(document.rules ?? [])],
    });
    this.#caseMocks = rules;
  }

  /** Says what becomes of requests that no rule answers; replaces the policy before. */
  setPolicy(policy: Policy): Promise<SessionChange> {
    return this.#change(() => this.#post<SessionChange>('/policy', policy));
  }

  /** Hands over credentials for what replays requests; replaces those before. */
  setAuthFixtures(fixtures: AuthFixtures): Promise<SessionChange> {
    return this.#change(() => this.#post<SessionChange>('/fixtures/auth', fixtures));
  }

  async stats(): Promise<SessionStats> {
    return (await this.#get<{ stats: SessionStats }>('/stats')).stats;
  }

  /**
   * The last hundred hops that a policy blocked because no rule answered them, newest first. How many there were is
   * `strictMisses` of {@link stats}.
   */
  async misses(): Promise<readonly StrictMiss[]> {
    return (await this.#get<{ misses: StrictMiss[] }>('/misses')).misses;
  }

  /** What would become of a request, and why. Changes and counts nothing. */
  explain(request: RequestDescription): Promise<Explanation> {
    if (this.#closing !== undefined) return Promise.reject(this.#closedError());
    return this.#post<Explanation>('/explain', { direction: 'outbound', method: 'GET', ...request });
  }

  /**
   * Closes the session, after the changes that are under way. A capture session writes its case. A second call gives
   * the same answer; one that failed can be made again.
   *
   * @param options.out names the case file, relative to the runtime's capture folder
   */
  close({ out }: { readonly out?: string } = {}): Promise<ClosedSession> {
    this.#closing ??= this.#close(out).catch((error: unknown) => {
      if (!(error instanceof UnknownSessionError)) this.#closing = undefined;
      throw error;
    });
    return this.#closing;
  }

  async #close(out: string | undefined): Promise<ClosedSession> {
    await this.#lastChange.catch(() => {});
    const path = out === undefined ? '/close' : `/close?out=${encodeURIComponent(out)}`;
    return this.#api.callSession('POST', this.id, path);
  }

  /**
   * Closes a session that this client started. That it is gone already, because it was idle for too long, is no
   * failure here.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOwn) return;
    try {
      await this.close();
    } catch (error) {
      if (!(error instanceof UnknownSessionError)) throw error;
    }
  }

  #change<Result>(make: () => Promise<Result>): Promise<Result> {
    if (this.#closing !== undefined) return Promise.reject(this.#closedError());
    const change = this.#lastChange.then(make, make);
    // Whoever asked for it hears of a failure; the next change is made all the same.
    this.#lastChange = change.catch(() => {});
    return change;
  }

  #get<Answer>(path: string): Promise<Answer> {
    if (this.#closing !== undefined) return Promise.reject(this.#closedError());
    return this.#api.callSession('GET', this.id, path);
  }

  #post<Answer>(path: string, body: unknown): Promise<Answer> {
    return this.#api.callSession('POST', this.id, path, body);
  }

  #closedError(): UnknownSessionError {
    return new UnknownSessionError(this.id, 'was closed by this session object');
  }
}

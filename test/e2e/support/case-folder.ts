import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CaseDocument, parseCase, serializeCase, tracesFromExchange } from '../../../src/cases/index.ts';
import { type ExchangeParts, exchangeWith } from '../../cases/support/exchange.ts';

/** A case of these exchanges, a tenth of a second apart. */
export function caseOf(...parts: readonly ExchangeParts[]): CaseDocument {
  return {
    version: '1.0.0',
    caseId: 'checkout',
    traces: parts.map((part, place) => {
      const exchange = exchangeWith(part);
      const spanId = String(place + 1).padStart(16, '0');
      return tracesFromExchange({
        ...exchange,
        trace: { ...exchange.trace, spanId },
        startTime: exchange.startTime + place * 100,
        endTime: exchange.endTime + place * 100,
      });
    }),
  };
}

/** A folder for the files of a test, gone at its end. */
export class CaseFolder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(): Promise<CaseFolder> {
    return new CaseFolder(await mkdtemp(join(tmpdir(), 'softprobe-cases-')));
  }

  /** The path of a file in it, which need not be there. */
  at(name: string): string {
    return join(this.path, name);
  }

  /** Writes a case, or any other text. */
  async write(name: string, content: CaseDocument | string): Promise<string> {
    await writeFile(this.at(name), typeof content === 'string' ? content : serializeCase(content));
    return this.at(name);
  }

  read(name: string): Promise<string> {
    return readFile(this.at(name), 'utf8');
  }

  async readCase(name: string): Promise<CaseDocument> {
    return parseCase(await this.read(name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

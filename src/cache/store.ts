// Where entries are kept: a database of the browser, or a directory in Node. Everything is read at once when a cache is opened.
import { builtin } from '../backend/wasm/binary.ts'
import { fail } from '../core/errors.ts'

export interface Stored {
  readonly bytes: Uint8Array
  /** When it was written. */
  readonly at: number
}

export interface Store {
  /** The oldest first. */
  all(): Promise<(readonly [key: string, entry: Stored])[]>
  put(key: string, entry: Stored): Promise<unknown>
  remove(key: string): Promise<unknown>
  close(): void
}

const settled = <T>(request: IDBRequest<T>): Promise<T> => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result)
  request.onerror = () => reject(request.error ?? new Error('the request failed'))
})
const byAge = (list: (readonly [string, Stored])[]): (readonly [string, Stored])[] => list.sort(([, a], [, b]) => a.at - b.at)
const TABLE = 'plans'

async function database(name: string): Promise<Store> {
  const opening = indexedDB.open(`lampas cache: ${name}`, 1)
  opening.onupgradeneeded = () => opening.result.createObjectStore(TABLE)
  const db = await settled<IDBDatabase>(opening)
  const table = (mode: IDBTransactionMode): IDBObjectStore => db.transaction(TABLE, mode).objectStore(TABLE)
  return {
    async all() {
      const from = table('readonly')
      const [keys, values] = await Promise.all([settled(from.getAllKeys()), settled(from.getAll() as IDBRequest<(Partial<Stored> | undefined)[]>)])
      return byAge(keys.flatMap((key, i) => {
        const { bytes, at } = values[i] ?? {}
        return typeof key === 'string' && bytes instanceof Uint8Array && typeof at === 'number' ? [[key, { bytes, at }] as const] : []
      }))
    },
    put: (key, entry) => settled(table('readwrite').put(entry, key)),
    remove: key => settled(table('readwrite').delete(key)),
    close: () => db.close(),
  }
}

const FILE = /^([0-9a-f]{16})\.plan$/

async function directory(path: string, node: NonNullable<typeof builtin>): Promise<Store> {
  const [{ mkdir, readFile, readdir, rename, rm, stat, writeFile }, { join }] = [node('node:fs').promises, node('node:path')]
  await mkdir(path, { recursive: true })
  const file = (key: string): string => join(path, `${key}.plan`)
  return {
    async all() {
      const keys = (await readdir(path)).flatMap(name => FILE.exec(name)?.[1] ?? [])
      return byAge(await Promise.all(keys.map(async key => [key, { bytes: new Uint8Array(await readFile(file(key))), at: (await stat(file(key))).mtimeMs }] as const)))
    },
    // Under another name first, so that nobody reads half of it.
    async put(key, { bytes }) {
      await writeFile(`${file(key)}.new`, bytes)
      await rename(`${file(key)}.new`, file(key))
    },
    remove: key => rm(file(key), { force: true }),
    close: () => {},
  }
}

export const openStore = (name: string): Promise<Store> =>
  typeof indexedDB === 'object' ? database(name) : builtin ? directory(name, builtin) : fail('openCompileCache', 'there is neither IndexedDB nor a file system here', 'leave it out: compile() works without')

// Where in the user's code a node was built. Taking the stack is cheap, writing it out is not, so that waits until somebody asks.
import { outsideLine } from '../eager/storage.ts'

/** Frames of Lampas that may lie between an op and the user's line. */
const DEPTH = 40

/** A line of code. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number | null
  /** The function around it. */
  readonly in: string | null
}

export class Site {
  private text: string | null | undefined
  private static given: Site | null = null
  private constructor(
    private readonly error: Error | null,
    /** The function of Lampas that the line calls, where that is known: it may have built nodes of other ops. */
    readonly calls: string | null,
  ) {}

  /** Nodes that `body` builds belong to this line; null: each to its own. */
  static during<T>(site: Site | null, body: () => T): T {
    const before = Site.given
    Site.given = site
    try {
      return body()
    } finally {
      Site.given = before
    }
  }

  /** A line that is known as text. */
  static of(line: string, calls: string | null): Site {
    const site = new Site(null, calls)
    site.text = line
    return site
  }

  static here(calls: string | null): Site {
    if (Site.given) return Site.given
    const depth = Error.stackTraceLimit
    Error.stackTraceLimit = DEPTH
    const site = new Site(new Error(), calls)
    Error.stackTraceLimit = depth
    return site
  }

  /** `at step (file.ts:12:3)`, or null when the stack does not tell. */
  get line(): string | null {
    return (this.text ??= outsideLine(this.error?.stack))
  }

  get place(): Place | null {
    const found = /^(?:at )?(?:async )?(?:(.*?)[ @]\(?|@)?([^()\s]+?):(\d+)(?::(\d+))?\)?$/.exec(this.line ?? '')
    return found && { in: found[1] || null, file: found[2], line: Number(found[3]), column: found[4] === undefined ? null : Number(found[4]) }
  }
}

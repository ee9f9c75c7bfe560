// Where in the user's code a node was built. Taking the stack is cheap, writing it out is not, so that waits until somebody asks.
import { outsideLine } from '../eager/storage.ts'

/** Frames of Lampas that may lie between an op and the user's line. */
const DEPTH = 40

export class Site {
  private text: string | null | undefined
  private constructor(private readonly error: Error) {}

  static here(): Site {
    const depth = Error.stackTraceLimit
    Error.stackTraceLimit = DEPTH
    const site = new Site(new Error())
    Error.stackTraceLimit = depth
    return site
  }

  /** `at step (file.ts:12:3)`, or null when the stack does not tell. */
  get line(): string | null {
    return (this.text ??= outsideLine(this.error.stack))
  }
}

// The op families beyond the core that the small script-tag file carries. Importing this module gives Tensor their methods too;
// their types are in methods.ts.
import { attach, methodsIn } from './attach.ts'

export { inspect, print, setPrintoptions, type PrintOptions, type Statistics } from './print.ts'

const families: readonly object[] = []
attach(families.flatMap(methodsIn))

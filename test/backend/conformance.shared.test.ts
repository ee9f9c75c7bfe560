// Every device against the reference, in Node and in the browser.
import { describe } from 'vitest'
import { backends } from '../devices.ts'
import { conformance } from './conformance.ts'

for (const { name, open } of backends) describe(name, () => conformance(open))

// The way in for those who open the device: fetched when they do, while debug modes carry the backend with them.
import { createReference, type ReferenceBackend } from './reference.ts'

export { evaluate } from './scalar.ts'
export { createReference, type ReferenceBackend }
export const openReference = async (): Promise<ReferenceBackend> => createReference()

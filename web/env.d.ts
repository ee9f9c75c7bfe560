/// <reference types="vite/client" />

declare module 'virtual:lampas-docs' {
  /** First sentence of the doc comment of each public name. */
  const docs: Readonly<Record<string, string>>
  export default docs
}

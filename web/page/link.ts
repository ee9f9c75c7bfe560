// The state of the page as the part of its address after '#', so that a link reopens it. Edited code is deflated and written
// in base64url; code that is an example's own is left out.
import { deflateSync, inflateSync, strFromU8, strToU8 } from 'fflate'

export interface LinkState {
  readonly example: string | null
  readonly device: string | null
  readonly compile: boolean
  readonly code: string | null
}

export function writeLink(state: LinkState): string {
  const parts = new URLSearchParams()
  if (state.example) parts.set('example', state.example)
  if (state.device) parts.set('device', state.device)
  parts.set('compile', state.compile ? 'on' : 'off')
  if (state.code !== null) parts.set('code', toBase64Url(deflateSync(strToU8(state.code), { level: 9 })))
  return `#${parts.toString()}`
}

/** Throws when the code in the link is damaged. */
export function readLink(hash: string): LinkState {
  const parts = new URLSearchParams(hash.replace(/^#/, ''))
  const code = parts.get('code')
  return {
    example: parts.get('example'),
    device: parts.get('device'),
    compile: parts.get('compile') !== 'off',
    code: code === null ? null : strFromU8(inflateSync(fromBase64Url(code))),
  }
}

function toBase64Url(bytes: Uint8Array): string {
  let binary = ''
  for (const b of bytes) binary += String.fromCharCode(b)
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

const fromBase64Url = (text: string): Uint8Array => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), c => c.charCodeAt(0))

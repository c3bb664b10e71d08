import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Returns the local address, as the kernel prints it, of each TCP and UDP socket that `pid` listens on. */
export function listeningAddresses(pid: number): string[] {
  const inodes = socketInodes(pid);
  const tables = ['tcp', 'tcp6', 'udp', 'udp6'].map((table) => readFileSync(`/proc/${pid}/net/${table}`, 'utf8'));
  return tables
    .flatMap((table) => table.trim().split('\n').slice(1))
    .map((row) => row.trim().split(/\s+/))
    .filter((columns) => inodes.has(columns[9]!) && (columns[3] === '0A' || columns[3] === '07'))
    .map((columns) => columns[1]!.split(':')[0]!);
}

function socketInodes(pid: number): Set<string> {
  const targets = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return ''; // closed since the folder was read
    }
  });
  return new Set(targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []));
}

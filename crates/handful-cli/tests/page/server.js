import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../../../../', import.meta.url));
export const program = process.env.HANDFUL ?? join(repository, 'target/debug/handful');

/** Runs a command to its end. */
export function run(args) {
  execFileSync(program, args, { cwd: repository, stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Starts `handful serve` at a free port, and resolves once it listens. */
export async function start(args = []) {
  const server = spawn(program, ['serve', '--addr', '127.0.0.1:0', ...args], {
    cwd: repository,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let told = '';
  server.stderr.setEncoding('utf8').on('data', (text) => (told += text));
  const closed = once(server, 'close');
  const [line] = await Promise.race([
    once(createInterface({ input: server.stdout }), 'line'),
    closed.then(() => Promise.reject(new Error(told))),
  ]);

  const stop = async () => {
    server.kill('SIGTERM');
    const [code] = await closed;
    return code;
  };
  const url = line.match(/^listening on (http:\/\/127\.0\.0\.1:\d+\/)$/)?.[1];
  if (!url) await stop();
  assert(url, `no address: ${line}`);
  return { url, pid: server.pid, stop };
}

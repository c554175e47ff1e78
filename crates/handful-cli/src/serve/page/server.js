// The server's documents.

/** A JSON document. */
export function ask(path, query = {}) {
  return found(fetch(address(path, query)));
}

/** The answer to a body. */
export function post(path, body, query = {}) {
  return found(fetch(address(path, query), { method: 'POST', body }));
}

function address(path, query) {
  const search = new URLSearchParams(query).toString();
  return search ? `${path}?${search}` : path;
}

/** Errors are sentences. If `mayPass` is set, the same request may succeed later. */
async function found(request) {
  const response = await request.catch(() => {
    throw Object.assign(new Error('The server does not answer; is it still running?'), { mayPass: true });
  });
  const document = await response.json().catch(() => {
    throw new Error('The server’s answer cannot be read.');
  });
  if (response.ok) return document;
  throw Object.assign(new Error(document.error), { mayPass: response.status === 503 });
}

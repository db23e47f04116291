// Server-sent events of a streamed response.

/** Yield the data of each event until `[DONE]`. Throws the message of an error event. */
export async function* events(answer) {
  let rest = "";
  for await (const part of parts(answer)) {
    const frames = (rest + part).split(/\r?\n\r?\n/);
    rest = frames.pop();
    for (const frame of frames) {
      const data = frame.split(/\r?\n/).filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trim()).join("\n");
      if (data === "[DONE]") return;
      if (data) yield checked(JSON.parse(data));
    }
  }
}

function checked(event) {
  if (event.error) throw new Error(event.error.message ?? "the stream broke off");
  return event;
}

async function* parts(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value;
  } finally {
    reader.cancel().catch(() => {});
  }
}

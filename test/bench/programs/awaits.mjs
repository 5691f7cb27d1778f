/**
 * Awaits and nothing else. Message: `{ form, count, parts }`; answer: `{ us }`, the process's processor time in microseconds of
 * each part.
 */
const settled = Promise.resolve(1);

async function awaitSettled(count) {
  for (let i = 0; i < count; i++) await settled;
}

async function nothing() {}
async function awaitCalls(count) {
  for (let i = 0; i < count; i++) await nothing();
}

async function awaitNew(count) {
  for (let i = 0; i < count; i++) await new Promise((resolve) => resolve(i));
}

const FORMS = { awaitSettled, awaitCalls, awaitNew };

process.on('message', async ({ form, count, parts }) => {
  const us = [];
  for (let part = 0; part < parts; part++) {
    const before = process.cpuUsage();
    await FORMS[form](count / parts);
    const { user, system } = process.cpuUsage(before);
    us.push(user + system);
  }
  process.send({ us });
});
process.send({});

// From CommonJS, as Node 22 and later allow it.
const { connect, TallystickError, withBusinessProcess } = require('@tallystick/sdk');

void connect().then(async (identity) => {
  console.log(JSON.stringify([identity.id, typeof TallystickError.is, typeof withBusinessProcess]));
});

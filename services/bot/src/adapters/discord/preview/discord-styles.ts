/** How Discord's dark theme looks, near enough to judge a message by. */
export const discordStyles = `
.platform-discord { background: #313338; color: #dbdee1; font: 16px/1.375 'gg sans', 'Noto Sans', 'Noto Sans CJK SC', 'Helvetica Neue', Arial, sans-serif; }
.dc-message { display: grid; grid-template-columns: 56px minmax(0, 1fr); padding: 8px 0; }
.dc-used { grid-column: 2; font-size: 14px; color: #949ba4; margin-bottom: 4px; }
.dc-used b { color: #dbdee1; } .platform-discord a { color: #00a8fc; text-decoration: none; }
.dc-avatar { width: 40px; height: 40px; border-radius: 50%; background: #5865f2; color: #fff; display: grid; place-items: center; font-weight: 700; }
.platform-discord header { display: flex; gap: 6px; align-items: center; } .platform-discord header b { color: #f2f3f5; font-weight: 500; }
.dc-app { background: #5865f2; color: #fff; border-radius: 4px; font-size: 10px; padding: 1px 5px; font-weight: 600; }
.platform-discord time { font-size: 12px; color: #949ba4; }
.dc-container { background: #2b2d31; border: 1px solid #3f4147; border-left: 4px solid; border-radius: 8px; padding: 16px; max-width: 600px; display: grid; gap: 8px; margin-top: 4px; }
.dc-text { display: grid; gap: 2px; overflow-wrap: anywhere; }
.platform-discord h1, .platform-discord h2, .platform-discord h3 { color: #f2f3f5; margin: 0; font-size: 16px; line-height: 22px; } .platform-discord p { margin: 0; white-space: pre-wrap; }
.platform-discord h1 { font-size: 24px; } .platform-discord h2 { font-size: 20px; }
.platform-discord small { font-size: 13px; color: #949ba4; display: block; }
.platform-discord blockquote { border-left: 4px solid #4e5058; border-radius: 4px; margin: 0; padding: 0 12px; }
.platform-discord code { background: #1e1f22; border-radius: 4px; padding: 1px 4px; font: 14px Consolas, monospace; }
.platform-discord pre { background: #1e1f22; border: 1px solid #232428; border-radius: 4px; padding: 8px; margin: 4px 0; font: 14px Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
.platform-discord .mention { background: #3c4270; color: #c9cdfb; border-radius: 3px; padding: 0 2px; }
.dc-gallery { display: grid; gap: 4px; border-radius: 8px; overflow: hidden; }
.dc-gallery-2, .dc-gallery-4 { grid-template-columns: 1fr 1fr; } .dc-gallery-3 { grid-template-columns: 1fr 1fr 1fr; }
.dc-gallery figure { margin: 0; position: relative; } .dc-gallery img, .dc-gallery video { width: 100%; height: 100%; max-height: 350px; object-fit: cover; display: block; }
.dc-gallery-1 img, .dc-gallery-1 video { width: auto; max-width: 100%; object-fit: contain; }
.is-covered img { filter: blur(40px); } .dc-spoiler { position: absolute; inset: 0; margin: auto; width: 80px; height: 28px; border-radius: 14px; background: #0009; color: #fff; display: grid; place-items: center; font-size: 13px; font-weight: 600; }
.dc-row { display: flex; flex-wrap: wrap; gap: 8px; }
.dc-button { border: 0; border-radius: 8px; min-height: 32px; padding: 2px 16px; color: #fff; font: 500 14px/1 inherit; font-family: inherit; }
.dc-primary { background: #5865f2; } .dc-secondary { background: #4e5058; } .dc-success { background: #248046; } .dc-danger { background: #da373c; }
.dc-select { background: #1e1f22; border-radius: 8px; padding: 8px 12px; width: 100%; max-width: 400px; font-size: 14px; } .dc-select summary { color: #949ba4; list-style: none; }
.dc-select summary::after { content: '⌄'; float: right; } .dc-select ul { margin: 8px 0 0; padding: 0; list-style: none; display: grid; gap: 8px; }
.dc-file { display: flex; gap: 12px; align-items: center; background: #2b2d31; border: 1px solid #3f4147; border-radius: 8px; padding: 12px; max-width: 432px; margin-top: 4px; }
.dc-section { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 12px; } .dc-thumb img { width: 80px; height: 80px; object-fit: cover; border-radius: 8px; }
.dc-only { font-size: 12px; color: #949ba4; margin-top: 4px; }
.dc-modal { background: #313338; border: 1px solid #1e1f22; border-radius: 8px; padding: 16px; max-width: 440px; box-shadow: 0 8px 24px #0008; display: grid; gap: 16px; }
.dc-modal label { font-size: 14px; font-weight: 500; display: grid; gap: 6px; } .dc-modal em { color: #f23f43; font-style: normal; }
.dc-input { background: #1e1f22; border-radius: 4px; padding: 10px; font-weight: 400; font-size: 16px; min-height: 22px; } .dc-input.is-long { min-height: 88px; } .dc-input i { color: #87898c; font-style: normal; } .dc-input span { float: right; }
.dc-modal footer { display: flex; gap: 8px; justify-content: flex-end; }
`;

/** Classes of custom packs and of paid services, as `/object_info` would list them, to be added to a recorded registry. */
export const customClasses = {
  LoadImageFromUrl: declare('custom_nodes.web-tools', { url: ['STRING', { default: '' }] }, ['IMAGE']),
  ShellCommand: declare('custom_nodes.shell', { command: ['STRING', { multiline: true }] }, ['STRING']),
  RunPython: declare('custom_nodes.python', { code: ['STRING', { multiline: true }] }, ['*']),
  CloudDraw: {
    ...declare('comfy_api_nodes.nodes_cloud', { prompt: ['STRING', { multiline: true }] }, ['IMAGE']),
    api_node: true,
  },
  SomethingComputed: declare('nodes', {}, ['INT']),
  TrustedStyle: declare(
    'custom_nodes.trusted-pack',
    {
      image: ['IMAGE', {}],
      style: ['STRING', { default: 'plain' }],
      prompt: ['STRING', { multiline: true }],
      source_url: ['STRING', { default: '' }],
      image_path: ['STRING', { default: '' }],
      api_key: ['STRING', { default: '' }],
      filename: ['STRING', { default: '' }],
      tint: ['COLOR', { default: '#ffffff' }],
    },
    ['IMAGE'],
  ),
};

function declare(pythonModule: string, required: Record<string, unknown>, output: readonly string[]) {
  return {
    input: { required },
    input_order: { required: Object.keys(required) },
    output,
    output_is_list: output.map(() => false),
    output_name: output,
    display_name: '',
    description: '',
    python_module: pythonModule,
    category: 'custom',
    output_node: false,
  };
}

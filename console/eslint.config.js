import js from "@eslint/js";
import jsxA11y from "eslint-plugin-jsx-a11y";
import ts from "typescript-eslint";

export default ts.config(
  { ignores: ["dist", "src/api/schema.d.ts"] },
  js.configs.recommended,
  ...ts.configs.strictTypeChecked,
  jsxA11y.flatConfigs.recommended,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Handlers of events may be asynchronous; their errors are shown by the component that started them.
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: { attributes: false } }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "no-restricted-syntax": [
        "error",
        {
          selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']",
          message: "Content is never HTML: it can come from events.",
        },
        { selector: "JSXAttribute[name.name='tabIndex']", message: "Write tabindex: SVG elements need it." },
      ],
      "no-restricted-globals": [
        "error",
        { name: "localStorage", message: "Nothing of a customer or of a session is stored." },
        { name: "fetch", message: "api/client.ts and session/ call the network; all others use them." },
      ],
    },
  },
  { files: ["src/session/**", "src/api/client.ts"], rules: { "no-restricted-globals": "off" } },
  { files: ["eslint.config.js"], ...ts.configs.disableTypeChecked },
);

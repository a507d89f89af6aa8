/*!
Names that exist without a definition: built-in functions and types, globals of browsers, Node and test runners.
*/

use crate::SourceLanguage;

pub(crate) fn is_builtin(lang: SourceLanguage, name: &str) -> bool {
    match lang {
        SourceLanguage::Python => {
            PYTHON.split_ascii_whitespace().any(|known| known == name)
                || name.starts_with("__") && name.ends_with("__")
                || name.ends_with("Error")
                || name.ends_with("Warning")
        }
        SourceLanguage::JavaScript | SourceLanguage::TypeScript | SourceLanguage::Tsx => {
            JAVASCRIPT.split_ascii_whitespace().any(|known| known == name)
                || [
                    "HTML",
                    "SVG",
                    "DOM",
                    "CSS",
                    "IDB",
                    "RTC",
                    "WebGL",
                    "Audio",
                    "Media",
                    "Performance",
                    "Service",
                ]
                .iter()
                .any(|prefix| name.starts_with(prefix))
                || ["Event", "Array", "Error", "Element", "Observer", "Stream", "Worker"]
                    .iter()
                    .any(|suffix| name.ends_with(suffix))
        }
        _ => false,
    }
}

/// Python 2 and 3, and names that frameworks add.
const PYTHON: &str = "abs aiter all anext any apply ascii basestring bin bool breakpoint buffer bytearray bytes callable \
    chr classmethod cmp coerce compile complex copyright credits delattr dict dir divmod enumerate eval exec execfile \
    exit file filter float format frozenset getattr globals hasattr hash help hex id input int intern isinstance \
    issubclass iter len license list locals long map max memoryview min next object oct open ord pow print property \
    quit range raw_input reduce reload repr reversed round set setattr slice sorted staticmethod str sum super tuple \
    type unichr unicode vars xrange zip self cls None True False NotImplemented Ellipsis BaseException Exception \
    BaseExceptionGroup ExceptionGroup GeneratorExit KeyboardInterrupt StopIteration StopAsyncIteration SystemExit \
    StandardError WindowsError Warning reveal_type reveal_locals get_ipython display c match case type _";

const JAVASCRIPT: &str = "undefined NaN Infinity globalThis arguments eval isFinite isNaN parseFloat parseInt decodeURI \
    decodeURIComponent encodeURI encodeURIComponent escape unescape Object Function Boolean Symbol Error Number BigInt \
    Math Date String RegExp Array Map Set WeakMap WeakSet WeakRef FinalizationRegistry ArrayBuffer SharedArrayBuffer \
    DataView Atomics JSON Promise Reflect Proxy Intl Iterator WebAssembly Temporal window self document navigator \
    location history screen console alert confirm prompt setTimeout clearTimeout setInterval clearInterval \
    setImmediate clearImmediate queueMicrotask structuredClone requestAnimationFrame cancelAnimationFrame \
    requestIdleCallback cancelIdleCallback fetch Headers Request Response FormData Blob File FileList FileReader URL \
    URLSearchParams AbortController AbortSignal TextEncoder TextDecoder XMLHttpRequest WebSocket EventSource Node \
    NodeList NodeFilter Element Text Comment Document DocumentFragment Range Selection Image Option MutationObserver \
    XMLSerializer XPathResult localStorage sessionStorage indexedDB crypto performance postMessage addEventListener \
    removeEventListener dispatchEvent getComputedStyle matchMedia getSelection open close top parent opener frames name \
    event origin caches customElements ShadowRoot MessageChannel MessagePort BroadcastChannel Notification btoa atob \
    importScripts scrollTo scrollBy innerWidth innerHeight ActiveXObject process global Buffer require module exports \
    __dirname __filename define describe context suite it test specify before after beforeEach afterEach beforeAll \
    afterAll setup teardown expect should chai sinon jest vi jasmine spyOn QUnit cy Cypress browser page Deno Bun $ \
    jQuery _ React angular d3 L google ga gtag dataLayer Prototype YUI dojo goog wx tinymce tinyMCE CKEDITOR";

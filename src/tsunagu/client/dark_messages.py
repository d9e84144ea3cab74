"""What the commands about scanned pages say, in both languages."""

EN = {
    "help_ocr": "Read scanned pages as text with the place of every word.",
    "help_ocr_dataset": "the dataset that holds the files",
    "help_ocr_paths": "which files; without them every PDF, TIFF, PNG and JPEG of the draft",
    "help_ocr_text": "print the text of the pages",
    "help_ocr_again": "read pages again that were read before",
    "help_ocr_detach": "do not wait until they are read",
    "ocr_progress": "{path}: {done} of {count} pages",
    "ocr_done": "{path}: {text} pages with text, {empty} without, {bad} not readable",
    "ocr_failed": "{path}: could not be read: {reason}",
    "ocr_waits": "{path}: waiting",
    "ocr_page": "--- {path}, page {number}",
    "search_page": "{path}, page {number}",
}
JA = {
    "help_ocr": "スキャンしたページを文字認識し、語の位置とともにテキストにします",
    "help_ocr_dataset": "ファイルのあるデータセット",
    "help_ocr_paths": "対象のファイル。省略すると、下書きにある PDF、TIFF、PNG、JPEG のすべてが対象です",
    "help_ocr_text": "ページのテキストを出力します",
    "help_ocr_again": "読み取り済みのページも読み直します",
    "help_ocr_detach": "終わるまで待ちません",
    "ocr_progress": "{path}: {count} ページ中 {done} ページ",
    "ocr_done": "{path}: 文字のあるページ {text}、ないページ {empty}、読めなかったページ {bad}",
    "ocr_failed": "{path}: 読み取れませんでした: {reason}",
    "ocr_waits": "{path}: 待機中",
    "ocr_page": "--- {path} {number} ページ",
    "search_page": "{path} {number} ページ",
}

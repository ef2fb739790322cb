// hyparquet believes what pages declare: a run of 2^31 values in a page of 10 has it count to 2^31. So each page is looked through before it decodes it.
import { type ColumnMetaData, type PageHeader, readOffsetIndex, type SchemaTree } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";
import { deltaBinaryUnpack } from "hyparquet/src/delta.js";
import { getMaxDefinitionLevel, getMaxRepetitionLevel, isFlatColumn } from "hyparquet/src/schema.js";
import type { Codecs, Decompress } from "./parquet-codecs.js";
import { endOfStruct } from "./thrift.js";

/** A column of a row group, as its file describes it. */
export interface Chunk {
  meta: ColumnMetaData;
  /** From the root of the schema to the column. */
  schemaPath: SchemaTree[];
  /** Of its row group. */
  rows: number;
  /** Where the file says that the positions of its pages are. */
  index: { begin: number; end: number } | undefined;
}

/** What is read of a file, and how much that may become. */
export interface Budget {
  /** Bytes of the file, which throws beyond its end. */
  read(begin: number, end: number): Promise<Uint8Array>;
  /** Called before as many bytes are taken; throws when they are too many. */
  spend(what: string, bytes: number): void;
  codecs: Codecs;
}

/** The most that a value takes while it is decoded: its levels, itself, its place in the result. */
const bytesOfValue = 32;
/** Read at once for the header of a page; more where it has long statistics. */
const headerBytes = 4096;

interface Page {
  offset: number;
  /** With its header. */
  size: number;
  header: PageHeader;
  /** Of the file: the page without its header. */
  content: Uint8Array;
}

/**
 * Looks through the pages of a column of a row group: their sizes, their counts and the runs in them.
 * @throws Error for a page that declares more than there is, or is written in a way that is not known; what `spend` throws.
 */
export async function checkPages(chunk: Chunk, budget: Budget): Promise<void> {
  const { meta, schemaPath, rows } = chunk;
  const values = count("values", meta.num_values);
  const isFlat = isFlatColumn(schemaPath);
  if (isFlat && values !== rows) throw new Error(`a column has ${values} values, for ${rows} rows`);
  budget.spend(`${values} values`, bytesOfValue * values);
  const begin = count("bytes before a column", meta.dictionary_page_offset || meta.data_page_offset);
  const end = begin + count("bytes", meta.total_compressed_size);
  /** Where data pages are, and the number of the first value of each. */
  const places: { offset: number; first: number }[] = [];
  let seen = 0;
  // hyparquet reads in the same order: a column that is not nested until it has all rows, others to their end.
  for (let at = begin; isFlat ? seen < values : at < end - 1; ) {
    const page = await pageAt(at, end, budget);
    budget.spend(`a page of ${page.header.uncompressed_page_size} bytes`, page.header.uncompressed_page_size);
    if (page.header.type !== "DICTIONARY_PAGE") places.push({ offset: at, first: seen });
    seen += checkPage(page, chunk, values - seen, budget);
    at += page.size;
  }
  if (seen !== values) throw new Error(`a column has ${seen} values where it declares ${values}`);
  if (chunk.index) checkIndex(await budget.read(chunk.index.begin, chunk.index.end), places, isFlat, end);
}

async function pageAt(offset: number, end: number, { read }: Budget): Promise<Page> {
  for (let window = headerBytes; ; window *= 16) {
    const last = Math.min(offset + window, end);
    const bytes = await read(offset, last);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let length: number;
    try {
      length = endOfStruct(view, 0);
    } catch (error) {
      if (last < end) continue;
      throw error;
    }
    const header = parquetHeader({ view, offset: 0 });
    const stored = count("bytes of a page", header.compressed_page_size);
    count("bytes of a page", header.uncompressed_page_size);
    const size = length + stored;
    if (size > end - offset) throw new Error(`a page has ${size} bytes, of ${end - offset} that are left`);
    const content =
      size <= bytes.length ? bytes.subarray(length, size) : await read(offset + length, offset + size);
    return { offset, size, header, content };
  }
}

/** @returns how many of the column's values are in the page. */
function checkPage({ header, content }: Page, chunk: Chunk, left: number, budget: Budget): number {
  const { type, uncompressed_page_size: size } = header;
  if (type === "DICTIONARY_PAGE") {
    const values = count("values", header.dictionary_page_header?.num_values);
    if (values > size) throw new Error(`a dictionary has ${values} values in ${size} bytes`);
    return 0;
  }
  const described = type === "DATA_PAGE" ? header.data_page_header : header.data_page_header_v2;
  if ((type !== "DATA_PAGE" && type !== "DATA_PAGE_V2") || !described)
    throw new Error(`it has a page of type ${type}`);
  const values = count("values", described.num_values);
  if (values > left) throw new Error(`a page has ${values} values, of ${left} that are left`);
  const { schemaPath, meta } = chunk;
  const [repetition, definition] = [getMaxRepetitionLevel(schemaPath), getMaxDefinitionLevel(schemaPath)];
  const inflate = budget.codecs[meta.codec];
  if (!inflate) throw new Error("it has pages in a codec that is not known");
  // Plain values end where the page does: nothing in it is believed but its levels, which in a page of the second kind are outside of what is compressed.
  const isPlain = described.encoding === "PLAIN";
  if (type === "DATA_PAGE") {
    if (isPlain && repetition === 0 && definition === 0) return values;
    const page = new Runs(inflated(content, size, inflate));
    if (repetition > 0) page.prefixed(widthOf(repetition), values);
    const present = definition > 0 ? page.prefixed(widthOf(definition), values, definition) : values;
    checkValues(page, present, described.encoding, chunk, 1, budget);
    return values;
  }
  const v2 = header.data_page_header_v2!;
  const repeated = count("bytes of levels", v2.repetition_levels_byte_length);
  const defined = count("bytes of levels", v2.definition_levels_byte_length);
  const levels = repeated + defined;
  if (levels > content.length || levels > size)
    throw new Error(`a page has ${levels} bytes of levels, of ${size}`);
  if (repetition > 0) new Runs(content).over(widthOf(repetition), values);
  if (definition > 0) new Runs(content.subarray(repeated)).over(widthOf(definition), values);
  const present = values - count("values that are missing", v2.num_nulls);
  if (present < 0 || count("rows", v2.num_rows) > values) throw new Error("a page has more rows than values");
  if (isPlain) return values;
  const rest = content.subarray(levels);
  const isStored = v2.is_compressed === false || size === levels;
  const page = new Runs(isStored ? rest : inflated(rest, size - levels, inflate));
  checkValues(page, present, v2.encoding, chunk, 2, budget);
  return values;
}

function inflated(bytes: Uint8Array, length: number, inflate: Decompress): Uint8Array {
  const page = inflate(bytes, length);
  if (page.length !== length) throw new Error(`a page has ${page.length} bytes where it declares ${length}`);
  return page;
}

/** Values behind the levels; plain ones need none. */
function checkValues(
  page: Runs,
  values: number,
  encoding: string,
  { meta: { type }, schemaPath }: Chunk,
  version: 1 | 2,
  { spend }: Budget,
): void {
  switch (encoding) {
    case "PLAIN":
      return;
    case "RLE":
    case "PLAIN_DICTIONARY":
    case "RLE_DICTIONARY": {
      const isFlags = version === 1 ? type === "BOOLEAN" : encoding === "RLE";
      if (isFlags) page.prefixed(1, values);
      else {
        const width = page.byte();
        if (width > 0 || version === 2) page.over(width, values);
      }
      return;
    }
    case "DELTA_BINARY_PACKED":
    case "DELTA_LENGTH_BYTE_ARRAY":
      page.deltaHeader();
      return;
    case "DELTA_BYTE_ARRAY":
      page.prefixes(values, spend);
      return;
    case "BYTE_STREAM_SPLIT": {
      const width = schemaPath.at(-1)!.element.type_length ?? 4;
      if (values * width > page.left)
        throw new Error(`a page has ${values} values of ${width} bytes in ${page.left}`);
      return;
    }
    default:
      throw new Error(`it has pages in the encoding ${encoding}`);
  }
}

const widthOf = (level: number): number => 32 - Math.clz32(level);

/** A page that is walked through as hyparquet does. */
class Runs {
  private at = 0;
  private readonly view: DataView;
  constructor(bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.view.byteLength - this.at;
  }

  byte(): number {
    return this.view.getUint8(this.at++);
  }

  /** The same behind its length in bytes, and on to what comes after it. */
  prefixed(width: number, values: number, counted?: number): number {
    const length = this.view.getUint32(this.at, true);
    this.at += 4;
    if (length > this.left) throw new Error(`a page has ${length} bytes of levels, of ${this.left}`);
    const end = this.at + length;
    const found = this.over(width, values, counted);
    this.at = end;
    return found;
  }

  /**
   * Walks over values in runs: of one of them so often, or of bits
   * (https://parquet.apache.org/docs/file-format/data-pages/encodings/#run-length-encoding--bit-packing-hybrid-rle--3).
   * @returns how many of them are `counted`.
   */
  over(width: number, values: number, counted?: number): number {
    if (width > 32) throw new Error(`it has values of ${width} bits`);
    let found = 0;
    for (let seen = 0; seen < values; ) {
      const head = this.unsigned();
      const isBits = head % 2 === 1;
      const length = isBits ? 8 * Math.floor(head / 2) : Math.floor(head / 2);
      const most = values - seen;
      if (isBits) {
        const bytes = (length * width) / 8;
        if (length === 0 || bytes > this.left || (width === 0 && length > most + 7))
          throw new Error(`a run has ${length} values, of ${most} that are left`);
        if (counted !== undefined) found += this.countBits(width, Math.min(length, most), counted);
        // Of values without bits, hyparquet takes a byte.
        this.at += bytes || Math.min(1, this.left);
      } else {
        if (length > most) throw new Error(`a run has ${length} values, of ${most} that are left`);
        let value = 0;
        for (let i = 0; i < Math.ceil(width / 8); i++) value |= this.byte() << (8 * i);
        if (value === counted) found += length;
      }
      seen += length;
    }
    return found;
  }

  private countBits(width: number, length: number, counted: number): number {
    let found = 0;
    for (let i = 0, bit = 8 * this.at; i < length; i++) {
      let value = 0;
      for (let k = 0; k < width; k++, bit++) value |= ((this.view.getUint8(bit >> 3) >> (bit & 7)) & 1) << k;
      if (value === counted) found++;
    }
    return found;
  }

  /** The head of values that are stored by their differences, in blocks. */
  deltaHeader(): void {
    const begin = this.at;
    this.unsigned();
    const blocks = this.unsigned();
    if (blocks > this.left) throw new Error(`it has ${blocks} parts in a block of ${this.left} bytes`);
    this.at = begin;
  }

  /** Texts that are stored by what they have in common with the one before: the whole may be far more than the page. */
  prefixes(values: number, spend: Budget["spend"]): void {
    const reader = { view: this.view, offset: this.at };
    let whole = 0;
    for (let part = 0; part < 2; part++) {
      this.at = reader.offset;
      this.deltaHeader();
      const lengths = new Int32Array(values);
      deltaBinaryUnpack(reader, values, lengths);
      for (const length of lengths) whole += count("bytes", length);
    }
    spend(`texts of ${whole} bytes`, whole);
  }

  private unsigned(): number {
    for (let value = 0, shift = 0; shift < 35; shift += 7) {
      const next = this.byte();
      value += (next & 0x7f) * 2 ** shift;
      if (next < 0x80) return value;
    }
    throw new Error("it has an integer of more than 32 bits");
  }
}

/** @throws Error where the index is not of the pages that were looked through: hyparquet begins to read where it says. */
function checkIndex(
  bytes: Uint8Array,
  places: readonly { offset: number; first: number }[],
  isFlat: boolean,
  end: number,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  endOfStruct(view, 0);
  const { page_locations: locations } = readOffsetIndex({ view, offset: 0 });
  const fits = locations.every(({ offset, compressed_page_size: size, first_row_index: first }, i) => {
    const place = places[i];
    const row = count("rows", first);
    const before = i === 0 ? 0 : Number(locations[i - 1]!.first_row_index);
    const isPlace =
      place !== undefined &&
      count("offset", offset) === place.offset &&
      place.offset + count("bytes", size) <= end;
    return isPlace && row >= before && (!isFlat || row === place.first);
  });
  if (!fits || locations.length !== places.length) throw new Error("its index is not that of its pages");
}

/** A number that a file declares. */
export function count(what: string, value: number | bigint | undefined): number {
  const number = typeof value === "bigint" ? Number(value) : value;
  if (typeof number === "number" && Number.isSafeInteger(number) && number >= 0) return number;
  throw new Error(`it declares ${String(value).slice(0, 40)} ${what}`);
}

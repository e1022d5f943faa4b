"""Files as users have them, of each kind: read with the right values, or refused with a line that names the mistake."""

import gzip
import json
import lzma
import zipfile
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from scipy import io, sparse

from eicon.cli import main
from eicon.connectomes import load, read_edges, read_matrix, read_tvb, read_units
from eicon.connectomes._tables import CHARACTERS
from eicon.runs._prepare import checked
from eicon.runs._recipe_tables import ConnectomeTable
from eicon.runs._text import ConfigError

CASES = Path(__file__).parents[2].parent / "shared" / "cases"
IDS = ("4100231", "4100558", "4101002", "4101977", "4102340")
LARVA = np.array([[0, 5, 4, 2, 2], [0, 0, 0, 1, 7], [5, 8, 0, 5, 8], [6, 5, 4, 0, 8], [2, 7, 6, 0, 0]])
FLY = tuple(f"72057594060039{end}" for end in ("8473", "8511", "8529", "9017"))
SMALL = np.array([[0.0, 2.0, 0.0], [0.0, 0.0, 1.5], [3.0, 0.0, 0.0]])
SIGNS = {"ACH": 1, "GABA": -1, "GLUT": -1}
ABC = ("A", "B", "C")


def edges(connectome):
    """Weight of each connection by the names of its ends."""
    ends = zip(connectome.source, connectome.target, connectome.weight, strict=True)
    return {(connectome.names[i], connectome.names[j]): float(w) for i, j, w in ends}


def written(tmp_path, text, name="file.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


# The files of shared/cases

shared = pytest.mark.skipif(not CASES.is_dir(), reason=f"the files as users have them are not at {CASES}")


@shared
@pytest.mark.parametrize(
    ("file", "names", "weights"),
    [
        *((f"01-larva-integer-ids/{name}.csv", IDS, LARVA) for name in ("all_all", "all_all_named")),
        *((f"01-larva-integer-ids/{name}.csv", IDS, LARVA) for name in ("no_header", "no_index")),
        ("01-larva-integer-ids/default_pandas.csv", tuple("01234"), LARVA),
        ("01-larva-integer-ids/matlab_table.csv", ("Var1", "Var2", "Var3"), [[0, 2, 1], [3, 0, 4], [5, 6, 0]]),
        ("01-larva-integer-ids/underscore_names.csv", ("1_1", "1_2", "2_1"), [[0, 2, 1], [3, 0, 4], [5, 6, 0]]),
        *((f"09-other-formats/sc.{kind}", ABC, SMALL) for kind in ("csv", "csv.gz", "graphml", "gexf", "mat")),
        ("09-other-formats/sc73.mat", ("1", "2", "3"), SMALL),
        ("09-other-formats/dense.npz", ("1", "2", "3"), SMALL),
        ("09-other-formats/sparse.npz", ("1", "2", "3"), SMALL),
        ("09-other-formats/bool.npy", ("1", "2", "3"), 1 - np.eye(3)),
        ("09-other-formats/CAP.NPY", ("1", "2", "3"), 1 - np.eye(3)),
        ("11-decimal-comma/bare.csv", ("1", "2", "3"), [[0, 0.5, 0.25], [0.1, 0, 1.75], [2, 0.3, 0]]),
        ("11-decimal-comma/named.csv", ("V1", "V2", "V4"), [[0, 0.5, 0.25], [0.1, 0, 1.75], [2, 0.3, 0]]),
        ("11-decimal-comma/sep.csv", ("V1", "V2"), [[0, 5], [1, 0]]),
    ],
)
def test_matrices_of_the_shared_files(file, names, weights):
    read = read_matrix(CASES / file, rows="source")
    assert read.names == names
    np.testing.assert_array_equal(read.weights, weights)
    assert load(CASES / file, rows="source").digest == read.digest


@shared
@pytest.mark.parametrize("name", ["without_index", "with_index", "named_with_index", "post_first", "to_from"])
def test_lists_of_the_shared_files(name):
    pairs = {("501", "502"): 12, ("502", "503"): 3, ("503", "501"): 7, ("501", "503"): 5}
    if name == "named_with_index":
        called = {"501": "AVAL", "502": "AVBL", "503": "PVCL"}
        pairs = {(called[i], called[j]): weight for (i, j), weight in pairs.items()}
    assert edges(read_edges(CASES / "02-edge-list-columns" / f"{name}.csv")) == pairs


@shared
@pytest.mark.parametrize("packed", ["", ".gz"])
def test_flywire_of_the_shared_files(packed):
    path = CASES / f"03-flywire-connections/connections.csv{packed}"
    with pytest.raises(
        ValueError, match=r"line 3: .*473 -> .*511 is listed more than once, with a different neuropil.*duplicates="
    ):
        read_edges(path)
    with pytest.raises(ValueError, match=r"column nt_type: are 'ACH', 'GABA', 'GLUT' excit.* signs={'ACH': 1, ...}"):
        read_edges(path, duplicates="sum", sign="nt_type")
    read = read_edges(path, duplicates="sum", sign="nt_type", signs=SIGNS)
    a, b, c, d = FLY
    assert edges(read) == {(a, b): 13, (b, c): 9, (c, a): 4, (d, a): 2}
    assert dict(zip(read.names, read.sign.tolist(), strict=True)) == {a: 1, b: -1, c: 1, d: -1}


@shared
def test_other_shared_files_that_are_read(recwarn):
    for name, n in (("connectome", 5), ("u", 3)):
        path = CASES / f"05-upper-triangle/{name}.csv"
        with pytest.raises(ValueError, match=r"all is zero below the diagonal: .*rows='source', .*\.symmetrised\(\)"):
            read_matrix(path, rows="symmetric")
        with pytest.warns(UserWarning, match="all is zero below the diagonal; .*symmetrised"):
            half = read_matrix(path, rows="source")
        assert half.n == n
        full = half.symmetrised().weights
        np.testing.assert_array_equal(full, full.T)
    trailing = read_matrix(CASES / "05-upper-triangle/trailing.csv", rows="symmetric").weights
    assert trailing[0].tolist() == trailing[:, 0].tolist() == [167, 53, 22, 60, 83]
    own = read_matrix(CASES / "06-own-tvb-zip/connectivity_6.zip", rows="source")
    assert (own.names, own.weights[0, 1]) == (("lA", "lB", "lC", "rA", "rB", "rC"), 0.237)
    assert own.coordinates[0].tolist() == [0.5, 0, -0.25]
    assert "TVB treats rows as targets" in own.provenance
    assert "lengths of tracts" in own.provenance
    worm = CASES / "07-chemical-and-electrical/worm.tsv"
    with pytest.raises(ValueError, match=r"mixes 'chemical', 'electrical' as type; select .*where={'type': 'chem"):
        read_edges(worm)
    chemical = {("N1", "N2"): 4, ("N2", "N3"): 2, ("N3", "Muscles"): 9}
    assert edges(read_edges(worm, where={"type": "chemical"})) == chemical
    animals = {1: {("A", "B"): 2, ("B", "C"): 1}, 2: {("C", "A"): 1, ("A", "B"): 3}}
    for number, pairs in animals.items():
        read = read_edges(CASES / f"08-isolated-neurons/animal{number}.csv", neurons=list("ABCD"))
        assert (read.names, edges(read)) == (tuple("ABCD"), pairs)
    assert edges(read_edges(CASES / "11-decimal-comma/edges.csv")) == {("V1", "V2"): 0.5, ("V2", "V1"): 1.25}
    latin = read_matrix(CASES / "10-encodings-and-names/latin1.csv", rows="source", encoding="latin-1")
    assert latin.names == ("Aire précentrale", "Lobule pariétal", "g-lobe")
    assert (
        read_matrix(CASES / "10-encodings-and-names/utf16.csv", rows="source").names[2]
        == "\N{GREEK SMALL LETTER GAMMA}-lobe"
    )
    for name in ("blank", "na"):
        path = CASES / f"12-nan-inf-diagonal-3d/{name}.csv"
        assert read_matrix(path, rows="source", missing=0).weights.tolist() == [[0, 0, 2], [1, 0, 0], [3, 1, 0]]
    assert read_matrix(CASES / "09-other-formats/bool.npy", rows="symmetric").n_connections == 6


@shared
@pytest.mark.parametrize(
    ("reader", "file", "message"),
    [
        ("edges", "03-flywire-connections/through_float.csv", r"7.205759406003985e\+17 .*lost digits"),
        (
            "matrix",
            "10-encodings-and-names/latin1.csv",
            r"line 1 is not encoded as utf-8; encoding='latin-1' fits: 'R",
        ),
        ("edges", "10-encodings-and-names/latin1_edges.csv", r"line 1 .*encoding='latin-1' fits: 'précentrale'"),
        ("matrix", "12-nan-inf-diagonal-3d/blank.csv", r"first in row A, column B.; pass missing=0"),
        ("matrix", "12-nan-inf-diagonal-3d/na.csv", r"first in row A, column B.; pass missing=0"),
        ("matrix", "13-rectangular-and-order/injected_targets.csv", r"6 rows and 2 columns.*2 names are both rows"),
        ("matrix", "13-rectangular-and-order/ipsi_contra.csv", r"3 rows and 6 columns.*ipsi \+ contra"),
    ],
)
def test_shared_files_that_are_refused(reader, file, message):
    with pytest.raises(ValueError, match=message) as refused:
        read_matrix(CASES / file, rows="source") if reader == "matrix" else read_edges(CASES / file)
    assert "\n" not in str(refused.value)


# Matrices as text

PLAIN = [[0, 2, 1], [3, 0, 4], [5, 6, 0]]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('"A" "B" "C"\n"A" 0 2 1\n"B" 3 0 4\n"C" 5 6 0\n', ABC),  # R, write.table
        ('"area A" "B" "C"\n"area A" 0  2 1\n"B" 3 0 4\n"C" 5 6 0\n', ("area A", "B", "C")),
        ('"","V1","V2","V3"\n"1",0,2,1\n"2",3,0,4\n"3",5,6,0\n', ("V1", "V2", "V3")),  # R, write.csv
        ('"","X101","X102","X103"\n"101",0,2,1\n"102",3,0,4\n"103",5,6,0\n', ("101", "102", "103")),
        (",A,B,C\n0,0,2,1\n1,3,0,4\n2,5,6,0\n", ABC),  # pandas, names of columns alone
        (",0,1,2\nA,0,2,1\nB,3,0,4\nC,5,6,0\n", ABC),  # pandas, names of rows alone
        ("Row,x101,x102,x103\n101,0,2,1\n102,3,0,4\n103,5,6,0\n", ("101", "102", "103")),  # MATLAB
        (",101.0,102.0,103.0\n101.0,0,2,1\n102.0,3,0,4\n103.0,5,6,0\n", ("101", "102", "103")),
        ("103,101,102\n0,2,1\n3,0,4\n5,6,0\n", ("103", "101", "102")),  # larger than any weight
        ("0,1,2\n0,2,1\n3,0,4\n5,6,0\n", ("0", "1", "2")),  # in order
        ("A;B;C;\n0;2;1;\n3;0;4;\n5;6;0;\n", ABC),
        ("A|B|C\r\n0|2|1\r\n3|0|4\r\n5|6|0", ABC),
        ("\ufeffr\tA\tB\tC\nA\t0\t2\t1\nB\t3\t0\t4\nC\t5\t6\t0\n", ABC),
        ("0,2,1\n3,0,4\n5,6,0\n", ("1", "2", "3")),
        ('"","area.A","X2.B"\n"area A",0,2\n"2-B",3,0\n', ("area A", "2-B")),  # R's make.names
        ("Row,areaA,x2_B\narea A,0,2\n2-B,3,0\n", ("area A", "2-B")),  # MATLAB's makeValidName
        (",bodyId,11,12\n0,11,0,2\n1,12,3,0\n", ("11", "12")),  # reset_index of pandas
        (",A,B,,\nA,0,2,,\nB,3,0,,\n,,,,\n", ("A", "B")),  # Excel
        ("'','A','B'\n'A',0,2\n'B',3,0\n", ("A", "B")),
        (",A\xa0,B\nA,0,2\nB,3,0\n", ("A", "B")),
        ("% made by hand\n0 2 1\n3 0 4\n5 6 0\n", ("1", "2", "3")),
        ("# Created by Octave 8.4\n# name: W\n# type: matrix\n 0 2 1\n 3 0 4\n 5 6 0\n\n", ("1", "2", "3")),
        ("\n".join(["%%MatrixMarket matrix coordinate real general", "2 2 2", "1 2 2", "2 1 3"]), ("1", "2")),
    ],
)
def test_names_of_matrices(text, names, tmp_path):
    read = read_matrix(written(tmp_path, text), rows="source")
    assert read.names == names
    assert read.weights.tolist() == [row[: len(names)] for row in PLAIN[: len(names)]]


def test_labels_that_could_be_weights_are_asked_for(tmp_path):
    path = written(tmp_path, "0,101,102,103\n101,0,2,1\n102,3,0,4\n103,5,6,0\n")
    with pytest.raises(ValueError, match=r"ids \(3 units\) or weights \(4 units\)\? Pass header=True or header=False"):
        read_matrix(path, rows="source")
    assert read_matrix(path, rows="source", header=True).weights.tolist() == PLAIN
    assert read_matrix(path, rows="source", header=False).n == 4
    assert read_matrix(path, rows="source", names=["a", "b", "c"]).names == ("a", "b", "c")
    counts = written(tmp_path, "0,12,7,33\n12,0,5,8\n7,5,0,9\n33,8,9,0\n")  # streamlines, of which none are ids
    assert read_matrix(counts, rows="symmetric").n == 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 0,5\n1,25 0\n", [[0, 0.5], [1.25, 0]]),
        ("\tA\tB\nA\t0\t0,5\nB\t1,25\t0\n", [[0, 0.5], [1.25, 0]]),
        ('"",A,B\nA,0,"0,5"\nB,"1,25",0\n', [[0, 0.5], [1.25, 0]]),
        ("A,B\nTrue,False\nTRUE,true\n", [[1, 0], [1, 1]]),
    ],
)
def test_numbers_of_matrices(text, expected, tmp_path):
    assert read_matrix(written(tmp_path, text), rows="source").weights.tolist() == expected


def test_a_comma_that_parts_thousands_is_asked_for(tmp_path):
    path = written(tmp_path, "\tA\tB\nA\t0\t1,250\nB\t3,500\t0\n")
    with pytest.raises(
        ValueError, match=r"line 2, column 3: '1,250' .*decimal comma or a thousands separator: pass decimal=','"
    ):
        read_matrix(path, rows="source")
    assert read_matrix(path, rows="source", decimal=",").weights.tolist() == [[0, 1.25], [3.5, 0]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A,B\n0,1_0\n2,0\n", r"line 2, column 2: '1_0' is not a number"),
        (",A,B\nA,0,0,5\nB,1,5,0\n", r"first line has 3 columns, the next one 4; a common cause .* comma \('0,77'\)"),
        ("A,B\n0,0,5\n1,5,0\n", r"first line has 2 columns, the next one 3; a common cause is a decimal comma"),
        ("\tA\tB\nA\t0\t0,5\nB\t1.5\t0\n", r"line 2, column 3: '0,5' is not a number"),
        ("0,1,2\n1,0\n2,1,0\n", "its first line has 3 columns, the next one 2"),
        ("5\n6\n7\n", r"has only one column, read with the delimiter .* Is the delimiter right\?"),
        ("5,2,9\n1,7,3\n4,8,6\n2,0,1\n", r"4 rows and 3 columns, .* are ids, pass header=True"),
        (",1,2,3\n1,,4,5\n2,4,,6\n3,5,6,\n", "the matrix has missing entries .*; the first in row 1, column 1"),
        (",a,b,c\nb,0,1,2\na,1,0,3\nc,1,1,0\n", "names of columns and rows differ at position 1"),
        (",Unnamed: 0,A,B\n0,A,0,1\n1,B,2,0\n", r"'A' is not a number; is the first column an index"),
        ("pre,post,weight\na,b,1\n", "is not a number; a list of connections is read with read_edges"),
        (",720575940600398000,720575940600399000,720575940600391000\n720575940600398000,0,1,2\n", "lost digits"),
        ('r,"A,B\nA,0,1\n', "line 1: a quotation mark is not closed on its line"),
        ("0,inf\n1,0\n", "weights must be finite"),
        (b"\x80\x04\x95 abc", "is a pickle, which runs any code its author put into it"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an Excel workbook: save its sheet as CSV"),
        (b'{"nodes": []}', "is JSON"),
        (bytes(range(256)), "is not text"),
        ("r,A\nA,0\n".encode("utf-16-le"), "encoding='utf-16-le' fits"),
        ("r,Größe\nGröße,0\n".encode("mac_roman"), "encoding='mac_roman' fits: 'Größe'"),
        (gzip.compress(b"0,1\n1,0\n", mtime=0)[:-9], "is damaged, or was not copied completely"),
        ("<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><graphml>&a;</graphml>", "document type or entities"),
        ("<svg></svg>", r"is XML with 0 graphs in <svg>"),
        ("<graphml><graph>", "is damaged"),
        (",A,,C\nA,0,2,1\n,3,0,4\nC,5,6,0\n", "the name of unit 2 of 3 is empty"),
        (",A,B,All\nA,0,2,2\nB,3,0,3\nAll,3,2,5\n", "last row and column, 'All', are the sums of the others"),
        (",to_A,to_B\nfrom_A,0,1\nfrom_B,2,0\n", "they must be the same units"),
        ("Connectivity, all of it\n,A,B,C\nA,0,1,2\nB,3,0,4\nC,5,6,0\n", "the next one 4; a title must start with #"),
        ("\tA\tB\nA\t0\t1,234.5\nB\t2\t0\n", "'1,234.5' is not a number; remove its thousands separators"),
        ("\tA\tB\nA\t0\t1.234,5\nB\t2\t0\n", "'1.234,5' is not a number; remove its thousands separators"),
        (",\u03b11,\u03b12\nβ1,0,1\nβ2,2,0\n", "they must be the same units"),
        (",V1+,V2+\nV1-,0,1\nV2-,2,0\n", "they must be the same units"),
        ("501,502,12\n502,503,3\n503,501,7\n501,503,5\n", "a list of connections is read with read_edges"),
        ("r,A \u2013 B\nA \u2013 B,0\n".encode("cp1252"), "encoding='cp1252' fits"),
        ("r,Größe\nGröße,0\n".encode("utf-16-be"), "encoding='utf-16-be' fits"),
        ("# Created by Octave\n# name: W\n# type: sparse matrix\n3 1 3\n1 2 2\n2 3 1\n", "Octave's text of a sparse"),
        ("\n<!DOCTYPE html>\n<html></html>", "is a web page"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n", "is a Git LFS pointer"),
        (gzip.compress(b"x".ljust(257, b"\0") + b"ustar\x0000", mtime=0), "is an archive: unpack it first"),
        (gzip.compress(b"\x93NUMPY", mtime=0), "kind npy that was compressed again: unpack it first"),
        ("graph\n[\n directed 1\n]\n", "is GML"),
    ],
)
def test_matrices_that_are_refused(text, message, tmp_path):
    if isinstance(text, str) and text.startswith(",7205"):
        text += "720575940600399000,1,0,1\n720575940600391000,1,1,0\n"
    with pytest.raises(ValueError, match=message) as refused:
        read_matrix(written(tmp_path, text), rows="source")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress], ids=["gzip", "lzma"])
def test_packed_text_is_told_by_content(pack, tmp_path):
    packed = written(tmp_path, pack(b"pre,post,weight\na,b,2\n"), "list.dat")
    assert edges(read_edges(packed)) == {("a", "b"): 2}


def test_names_given_are_those_of_the_rows(tmp_path):
    path = written(tmp_path, ",x,y\nx,0,1\ny,2,0\n")
    with pytest.raises(ValueError, match="contains these names in a different order; omit `names`"):
        read_matrix(path, rows="source", names=["y", "x"])
    listed = written(tmp_path, "V1\nLM\n", "names.txt")
    assert read_matrix(path, rows="source", names=listed).names == ("V1", "LM")
    for ending in ("txt", "csv", "TSV"):
        listed = written(tmp_path, "\ufeffV1\nLM\n", f"names.{ending}")
        assert read_matrix(path, rows="source", names=listed).names == ("V1", "LM")
    assert read_edges(written(tmp_path, "LM,V1,2\n"), neurons=listed).names == ("V1", "LM")


# Lists

LIST = {("a", "b"): 3, ("b", "c"): 4}


@pytest.mark.parametrize(
    ("header", "options"),
    [
        ("pre,post,weight", {}),
        ("Source,Target,FLN", {}),
        ("preID,postID,Synapse Count", {}),
        ("bodyId_pre,bodyId_post,weight", {}),
        ("pre_pt_root_id,post_pt_root_id,n_syn", {}),
        ("from_node,to_node,n", {}),
        ("source_region,target_region,strength", {}),
        ("presynaptic,postsynaptic,synapses", {}),
        ("Neuron 1,Neuron 2,Nbr", {"source": "Neuron 1", "target": "Neuron 2"}),
        ("x,y,z", {"source": 0, "target": 1, "weight": "z"}),
        ("pre,post,size", {"weight": "size"}),
    ],
)
def test_headers_of_lists(header, options, tmp_path):
    body = ("a,b,3", "b,c,4")
    assert edges(read_edges(written(tmp_path, "\n".join([header, *body])), **options)) == LIST
    columns = [header.split(",")[::-1], *(line.split(",")[::-1] for line in body)]
    options = {key: 2 - value if isinstance(value, int) else value for key, value in options.items()}
    assert edges(read_edges(written(tmp_path, "\n".join(map(";".join, columns))), **options)) == LIST


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("a,b,3\nb,c,4\n", {}),
        ("a b 3\nb   c\t4\n", {}),
        ("a,b,3,\nb,c,4,\n", {}),
        ('"pre" "post" "weight"\n"1" "a" "b" 3\n"2" "b" "c" 4\n', {}),  # R
        ("x_pre,pre,x_post,post,type_pre,count\n1,a,2,b,T,3\n2,b,3,c,T,4\n", {}),
        ("pre_root_id,post_root_id,source,weight\na,b,FAFB,3\nb,c,FAFB,4\n", {}),
        ("bodyId_pre,instance_pre,bodyId_post,instance_post,weight\na,x,b,y,3\nb,y,c,z,4\n", {}),
        ("3,AL,a,b\n4,AL,b,c\n", {"source": 2, "target": 3, "weight": 0}),
        ("pre,post,kind,weight\na,b,x,3\nb,c,y,4\nc,a,z,5\n", {"where": {"kind": ["x", "y"]}}),
        ("sep=;\npre;post;weight\na;b;3,0\nb;c;4\n", {}),
        ("pre,post\na,b\na,b\na,b\nb,c\nb,c\nb,c\nb,c\n", {"weight": None, "duplicates": "sum"}),
        ("a,b,3\nb,c,4\nc,d,NA\n", {"missing": 0, "neurons": ["a", "b", "c", "d"]}),
        ("# post pre weight\nb a 3\nc b 4\n", {}),  # numpy.savetxt
        ("#target,source,weight\nb,a,3\nc,b,4\n", {}),
        ("\ufeffpost,pre,weight\nb,a,3\nc,b,4\n", {"encoding": "UTF-8"}),
        ('"pre","post","weight"\n"1","a","b",3\n"2","b","c",4\n', {}),  # R, parted by commas
        ("pre,post,weight\na\xa0,b,3\nb,c\t,4\n", {}),
        ("'pre','post','weight'\n'a','b',3\n'b','c',4\n", {}),
        ("pre,post,weight,,\na,b,3,,\nb,c,4,,\n,,,,\n", {}),  # Excel
        ("Source,Target,Type,Weight\na,b,Undirected,3\nb,c,Undirected,4\n", {"where": {"Type": "Undirected"}}),
    ],
)
def test_forms_of_lists(text, options, tmp_path):
    assert edges(read_edges(written(tmp_path, text), **options)) == LIST


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("A,B,0,77\nB,A,0,5\n", {}, r"4 columns and no header.*a common cause is a decimal comma \('0,77'\)"),
        ("pre,post,weight\n1,2,0,77\n2,1,0,5\n", {}, r"line 2 has 4 columns, but the header has 3; .* a decimal comma"),
        ("0,A,B,12\n1,B,C,3\n", {}, r"4 columns and no header.*name the columns"),
        ("x,y,z\na,b,1\n", {}, r"which column is the source\? Its header is 'x', 'y', 'z'; pass source= and target="),
        (
            "post,pre,weight\nb,a,1\n",
            {"source": 0, "target": 1},
            "column 0 is called 'post' and 'pre' seems to be",
        ),
        (",pre,post,weight\n0,b,a,1\n", {"source": 0, "target": 1}, "column 0 is called ''"),
        ("pre_id,pre_root_id,post_id,post_root_id,weight\n1,2,3,4,5\n", {}, r"which column is the source\?.*could be"),
        ("pre,post,count,fln\na,b,1,2\n", {}, r"which column contains the weights\?.*pass weight="),
        ("id,pre_pt_root_id,post_pt_root_id,size\n1,2,3,4\n", {}, "weight=None if every line counts 1"),
        ("pre,post,weight,weight\na,b,1,2\n", {}, "has 2 columns 'weight'"),
        ("a,b\nb,c\n", {}, r"column 2 is missing, the line has 2 columns; give `weight=None`"),
        ("a,b,1_0\nb,a,2\n", {}, "line 1: the weight must be a number >= 0; got '1_0'"),
        ("a,b,NA\nb,a,2\n", {}, "line 1: .* got 'NA'; it is missing: pass missing=0"),
        ("pre,post,weight\na,b,-1\n", {}, "got '-1'; a sign belongs in a column of its own"),
        ("pre;post;weight\nA;B;1,250\n", {}, "a thousands separator: pass decimal=','"),
        ("pre,post,weight\n7.20576E+17,7.20576E+17,1\n", {}, "lost digits"),
        ("pre,post,weight\n1,NA,1\n3,2,1\n", {}, "an id is missing: 'NA' among numbers"),
        (",A,B,C\nA,0,1,2\nB,3,0,4\nC,5,6,0\n", {}, "a matrix is read with read_matrix"),
        ("pre,post,type,weight\na,b,x,1\n", {"where": {"type": "gap"}}, "no line has 'gap' as type; its values are 'x"),
        ("pre,post,ok,weight\na,b,x,1\n", {"where": {"ok": ["x", "y"]}}, "no line has 'y' as ok; its values are 'x'"),
        ("a,b,1\nb,c,2\n", {"neurons": ["a", "b"]}, "not among the 2 neurons: 'c'"),
        ("a,b,1\n", {"neurons": ["a", "b", "a"]}, "neurons occur more than once: 'a'"),
        ("pre,post,weight,nt\na,b,1,DA\n", {"sign": "nt", "signs": SIGNS}, "are 'DA' excitatory or inhibitory"),
        ("pre,post,weight,nt\na,b,1,DA\n", {"sign": "nt", "signs": {"DA": 2}}, "signs must be 1"),
        ("pre,post,weight\na,b,1\n#b,a,2\n", {}, r"line 3: is '#b,a,2' a comment or a name\?"),
        ('pre,post,weight\n"a\nx",b,1\n', {}, "line 2: a quotation mark is not closed"),
        (
            "Source,Target,Type,Weight\na,b,Undirected,3\n",
            {},
            r"lists bidirectional connections; .*'Undirected'}, and call .symmetrised",
        ),
        ("pre,post,weight\na \x96 x,b,1\n", {}, "has a different encoding, such as 'utf-8' or 'cp1252'"),
        ("pre,post,weight\nGröße,b,1\n", {"encoding": "latin-1"}, "has a different encoding, such as 'utf-8'"),
    ],
)
def test_lists_that_are_refused(text, options, message, tmp_path):
    with pytest.raises(ValueError, match=message) as refused:
        read_edges(written(tmp_path, text), **options)
    assert "\n" not in str(refused.value)


def test_ids_that_were_rounded_are_refused_and_others_are_exact(tmp_path):
    def read(ids):
        lines = (f"{i},{j},1\n" for i, j in zip(ids, ids[1:] + ids[:1], strict=True))
        return read_edges(written(tmp_path, "".join(lines)), duplicates="sum")

    exact = [720575940600398473, 720575940600398511, 720575940600398529]
    assert read(exact).names == tuple(map(str, exact))
    for rounded in ([int(float(i)) for i in exact], [720575940600391000, 720575940600397000, 720575940600402000]):
        with pytest.raises(ValueError, match="lost digits"):
            read(rounded)


def test_one_id_written_in_two_ways_is_one_neuron(tmp_path):
    """A column with missing values comes out of pandas as floats."""
    read = read_edges(written(tmp_path, "pre,post,weight\n501,502.0,1\n502,501.0,2\n"))
    assert edges(read) == {("501", "502"): 1, ("502", "501"): 2}


def test_signs_of_neurons_and_of_connections(tmp_path):
    lines = "a,b,1,ACH\na,c,2,GABA\nb,a,10,ACH\nb,a,2,GABA\nc,a,1,\n"
    path = written(tmp_path, "pre,post,weight,nt\n" + lines)
    read = read_edges(path, sign="nt", signs=SIGNS, duplicates="sum")
    assert read.sign.tolist() == [0, 1, 0]
    assert dict(zip(edges(read), read.signs.tolist(), strict=True)) == {
        ("a", "b"): 1,
        ("a", "c"): -1,
        ("b", "a"): 1,
        ("c", "a"): 0,
    }
    plain = written(tmp_path, "pre,post,weight,sign\na,b,1,E\nb,a,2,-1\n")
    assert read_edges(plain, sign="sign").sign.tolist() == [1, -1]


@pytest.mark.battery
def test_lists_longer_than_a_block(tmp_path):
    """Lines, units and pairs are the same, wherever the blocks end."""
    rng = np.random.default_rng(0)
    pairs = np.unique(rng.integers(0, 20_000, (120_000, 2)), axis=0)
    rng.shuffle(pairs)
    ids = 720575940600000001 + 7 * np.arange(20_000)
    lines = [f"{ids[i]},{ids[j]},{k % 9 + 1}" for k, (i, j) in enumerate(pairs)]
    text = "\n".join(["pre_root_id,post_root_id,syn_count", "# a comment", *lines])
    assert len(text) > 2 * CHARACTERS
    assert read_edges(written(tmp_path, f"{text}\n# the end")).n == 20_000
    with pytest.raises(ValueError, match=rf"line {len(lines) + 3}: is '#1,2,3' a comment or a name"):
        read_edges(written(tmp_path, f"{text}\n#1,2,3"))
    read = read_edges(written(tmp_path, text))
    place = {name: i for i, name in enumerate(read.names)}
    numbered = np.array([place[str(i)] for i in ids[pairs.ravel()]]).reshape(-1, 2)
    expected = sparse.coo_array((np.arange(len(pairs)) % 9 + 1.0, numbered.T), (read.n, read.n)).tocsr()
    found = sparse.coo_array((read.weight, (read.source, read.target)), (read.n, read.n)).tocsr()
    assert abs(expected - found).max() == 0
    with pytest.raises(ValueError, match=rf"line {len(lines) + 3}: .* is listed more than once; pass duplicates='sum'"):
        read_edges(written(tmp_path, f"{text}\n{lines[500].rpartition(',')[0]},50"))


# What belongs to units

NEURONS = "root_id,cell_type,nt,x,y,z\n502,Mi1,ACH,1000,2000,3000\n501,Tm3,GABA,0,0,0\n503,,ACH,1,1,1\n"


def test_units_are_joined_by_id(tmp_path):
    table = written(tmp_path, NEURONS, "neurons.csv")
    connections = written(tmp_path, "pre,post,weight\n501,502,12\n502,503,3\n")
    units = read_units(table, coordinates=["x", "y", "z"], unit="nm", sign="nt", signs={"ACH": 1, "GABA": -1})
    read = read_edges(connections, units=units)
    assert read.labels["cell_type"] == ("Tm3", "Mi1", "")
    assert read.sign.tolist() == [-1, 1, 1]
    np.testing.assert_allclose(read.coordinates, [[0, 0, 0], [0.001, 0.002, 0.003], [1e-6, 1e-6, 1e-6]])
    matrix = written(tmp_path, ",503,501\n503,0,1\n501,2,0\n", "m.csv")
    with pytest.warns(UserWarning, match="table of units has 1 that are not in the connectome.*'502'"):
        assert read_matrix(matrix, rows="source", units=units).labels["cell_type"] == ("", "Tm3")
    assert read_edges(connections, units=str(table)).labels["nt"] == ("GABA", "ACH", "ACH")
    everyone = read_edges(connections, units=units, neurons=units.names[::-1])
    assert everyone.labels["cell_type"] == ("", "Tm3", "Mi1")


def test_positions_in_one_column(tmp_path):
    table = written(tmp_path, 'root_id,position\n1,[1000 2000 3000]\n2,"(4, 5, 6)"\n3,\n')
    coordinates = read_units(table, coordinates="position", unit="um").coordinates
    np.testing.assert_allclose(coordinates, [[1, 2, 3], [0.004, 0.005, 0.006], [np.nan] * 3])


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("root_id,type\n502,Mi1\n501,Tm3\n", {}, r"the table of units lacks 1 of 3: '503'.*partial=True"),
        ("root_id,type\n502,a\n501,b\n503,c\n502,d\n", {}, "ids occur more than once in column 'root_id': '502'"),
        ("body,type\n1,502\n", {}, r"which column contains the ids\? Pass id="),
        ("bodyId,root_id,type\n1,502,Mi1\n", {}, r"which column contains the ids\?"),
        ("root_id,type,type\n502,a,b\n", {}, "two columns of the same name"),
        ("root_id,type\n502,Mi1\n,Tm3\n", {}, "row 2 has no id in column 'root_id'"),
        ("root_id,type\n502\n", {}, "line 2 has 1 columns, but the header has 2"),
        ("root_id\n", {}, "contains no table of units"),
        (NEURONS, {"coordinates": ["x", "y", "z"]}, "unit of the coordinates must be one of 'mm'"),
        (NEURONS, {"coordinates": ["x", "y"], "unit": "nm"}, "three columns, of x, y and z; got 2"),
        (NEURONS, {"coordinates": "nt", "unit": "nm"}, "row 1 has 1 numbers in 'nt'"),
        (NEURONS, {"coordinates": ["x", "y", "nt"], "unit": "nm"}, "row 1 of the coordinates: 'ACH' is not a number"),
        (NEURONS, {"sign": "transmitter"}, "has no column 'transmitter'"),
        (NEURONS, {"sign": "nt"}, "are 'ACH', 'GABA' excitatory or inhibitory"),
    ],
)
def test_units_that_are_refused(text, options, message, tmp_path):
    connections = written(tmp_path, "pre,post,weight\n501,502,12\n502,503,3\n")
    with pytest.raises(ValueError, match=message):
        read_edges(connections, units=read_units(written(tmp_path, text, "units.csv"), **options))


def test_units_may_be_partial(tmp_path):
    units = read_units(written(tmp_path, "name,type\nb,Tm3\nz,Mi1\n"), partial=True, sign=None)
    read = read_edges(written(tmp_path, "a,b,1\n", "e.csv"), units=units)
    assert read.labels == {"type": ("", "Tm3")}


# Other formats


def matlab_73(path: Path, fill) -> Path:
    with h5py.File(path, "w", userblock_size=512) as file:
        fill(file)
    with path.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
    return path


def cell_73(file: h5py.File) -> None:
    file["W"] = SMALL.T
    texts = file.create_group("#refs#")
    for name in ABC:
        texts[name] = np.array([[ord(letter)] for letter in name], np.uint16)
    file.create_dataset("names", data=np.array([[texts[name].ref for name in ABC]], dtype=h5py.ref_dtype))


def sparse_73(file: h5py.File) -> None:
    columns, group = sparse.csc_array(SMALL), file.create_group("W")
    group["data"], group["ir"], group["jc"] = columns.data, columns.indices, columns.indptr
    group.attrs["MATLAB_sparse"] = np.uint64(3)


FORMS = {
    "npy": lambda path: np.save(path, SMALL),
    "fortran.npy": lambda path: np.save(path, np.asfortranarray(SMALL)),
    "dense.npz": lambda path: np.savez(path, W=SMALL, names=np.array(ABC)),
    "objects.npz": lambda path: np.savez(path, W=SMALL, names=np.array(ABC, object)),
    "sparse.npz": lambda path: sparse.save_npz(path, sparse.coo_array(SMALL)),
    "v5.mat": lambda path: io.savemat(path, {"W": SMALL, "labels": np.array(ABC, object)}),
    "v5_sparse.mat": lambda path: io.savemat(path, {"W": sparse.csc_array(SMALL), "x": 1.0}),
    "v4.mat": lambda path: io.savemat(path, {"W": SMALL}, format="4"),
    "cell.mat": lambda path: matlab_73(path, cell_73),
    "sparse.mat": lambda path: matlab_73(path, sparse_73),
}


@pytest.mark.parametrize("form", FORMS)
def test_binary_matrices(form, tmp_path):
    path = tmp_path / f"file.{form}"
    FORMS[form](path)
    read = read_matrix(path, rows="source")
    np.testing.assert_array_equal(read.weights, SMALL)
    assert read.names == (ABC if form in ("dense.npz", "v5.mat", "cell.mat") else ("1", "2", "3"))
    with pytest.raises(ValueError, match=r"are the rows of .* sources or targets\?.*rows='source'"):
        load(path)
    assert load(path, rows="target").weights.tolist() == SMALL.T.tolist()


def test_other_hdf5_is_not_turned(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["group/W"], file["names"] = SMALL, list(ABC)
    read = read_matrix(tmp_path / "a.h5", rows="source")
    assert (read.names, read.weights.tolist()) == (ABC, SMALL.tolist())


@pytest.mark.parametrize("ending", ["npz", "mat"])
def test_which_of_several_lists_are_the_names(ending, tmp_path):
    path, save = tmp_path / f"a.{ending}", io.savemat if ending == "mat" else lambda path, c: np.savez(path, **c)
    for lists, names in (
        ({"labels": [1, 1, 2]}, ("1", "2", "3")),  # clusters
        ({"ids": [7.0, 8.0, 9.0]}, ("7", "8", "9")),
        ({"ids": [7, 8, 9], "names": list(ABC)}, ABC),
    ):
        save(path, {"W": SMALL, **lists})
        assert read_matrix(path, rows="source").names == names
    save(path, {"W": SMALL * 1j})
    with pytest.raises(ValueError, match="weights must be real numbers; got an array of complex128"):
        read_matrix(path, rows="source")


@pytest.mark.parametrize("ending", ["npz", "mat", "h5"])
def test_which_of_several_arrays(ending, tmp_path):
    path, arrays = tmp_path / f"a.{ending}", {"mean": SMALL, "sd": SMALL * 2}
    if ending == "h5":
        with h5py.File(path, "w") as file:
            file.update(arrays)
    else:
        np.savez(path, **arrays) if ending == "npz" else io.savemat(path, arrays)
    with pytest.raises(ValueError, match=r"2 square matrices .*mean \(3 x 3\), sd \(3 x 3\); name .*variable='mean'"):
        read_matrix(path, rows="source")
    assert read_matrix(path, rows="source", variable="sd").weights.max() == 6
    with pytest.raises(ValueError, match=r"no array 'var'; its arrays are mean"):
        read_matrix(path, rows="source", variable="var")


def said(read) -> str:
    """What the reader says, if it refuses."""
    try:
        assert read().weights.tolist() == SMALL.tolist()
    except ValueError as error:
        return str(error)
    return ""


def test_damaged_files_are_named(tmp_path):
    for form, write in FORMS.items():
        path = tmp_path / f"file.{form}"
        write(path)
        whole, read = path.read_bytes(), partial(read_matrix, path, rows="source")
        for size in (len(whole) // 2, 700, 150, 20):
            path.write_bytes(whole[:size])
            message = said(read)
            assert not message or (path.name in message and "\n" not in message)
    np.save(tmp_path / "a.npy", SMALL)
    claim = (tmp_path / "a.npy").read_bytes().replace(b"(3, 3)", b"(99999, 99999)")
    with pytest.raises(ValueError, match=r"a\.npy is damaged"):
        read_matrix(written(tmp_path, claim, "a.npy"), rows="source")
    io.savemat(tmp_path / "a.mat", {"W": SMALL})
    wrong = bytearray((tmp_path / "a.mat").read_bytes())
    wrong[176] = 23  # a type of numbers that there is not, on which scipy ends the process
    with pytest.raises(ValueError, match=r"a\.mat is damaged.*element of type 23"):
        read_matrix(written(tmp_path, bytes(wrong), "a.mat"), rows="source")
    np.save(tmp_path / "o.npy", SMALL.astype(object))
    with pytest.raises(ValueError, match=r"o\.npy .*Python objects"):
        read_matrix(tmp_path / "o.npy", rows="source")
    np.savez(tmp_path / "o.npz", W=SMALL.astype(object))
    with pytest.raises(
        ValueError, match=r"no square matrices of numbers; its arrays are W \(Python objects, never loaded\)"
    ):
        read_matrix(tmp_path / "o.npz", rows="source")
    np.save(tmp_path / "stack.npy", np.ones((3, 3, 2)))
    with pytest.raises(ValueError, match=r"got shape \(3, 3, 2\). From a stack of matrices choose one"):
        read_matrix(tmp_path / "stack.npy", rows="source")
    np.savez(tmp_path / "r.npz", W=np.ones((3, 2)))
    with pytest.raises(ValueError, match=r"got shape \(3, 2\).*ipsi \+ contra"):
        read_matrix(tmp_path / "r.npz", rows="source")
    with pytest.raises(FileNotFoundError, match=r"no such file: .*nowhere.csv"):
        load(tmp_path / "nowhere.csv")


def test_objects():
    for given in (SMALL.tolist(), SMALL, sparse.csr_array(SMALL), sparse.coo_matrix(SMALL), sparse.dok_array(SMALL)):
        assert read_matrix(given, rows="target").weights.tolist() == SMALL.T.tolist()
    absent = sparse.csr_array(np.where(SMALL == 2, np.nan, SMALL))
    with pytest.raises(ValueError, match="has missing entries .1; the first in row 1, column 2"):
        read_matrix(absent, rows="source")
    assert edges(read_matrix(absent, rows="source", missing=0)) == {("2", "3"): 1.5, ("3", "1"): 3}
    outside = sparse.csr_array(SMALL)
    outside.indices[0] = 7
    with pytest.raises(ValueError, match="indices"):
        read_matrix(outside, rows="source")
    with pytest.raises(ValueError, match="differs from its transpose by up to 3"):
        read_matrix(sparse.csr_array(SMALL), rows="symmetric")
    with pytest.raises(TypeError, match="is read from a path, an array, .* got int"):
        read_matrix(5, rows="source")
    pairs = np.array([[5, 6, 2.0], [6, 7, 3.0]])
    assert edges(read_edges(pairs)) == {("5", "6"): 2, ("6", "7"): 3}
    assert edges(read_edges(pairs[:, :2].astype(int), weight=None)) == {("5", "6"): 1, ("6", "7"): 1}
    with pytest.raises(ValueError, match="lost digits"):
        read_edges(pairs * 1e17)
    with pytest.raises(ValueError, match="A matrix is read with read_matrix"):
        read_edges(np.ones((4, 4)))
    with pytest.raises(ValueError, match="units must be given as whole numbers"):
        read_edges(SMALL + 0.1)
    with pytest.raises(ValueError, match="has missing entries .1; the first in row 1, column 2"):
        read_matrix(np.ma.masked_equal(SMALL, 2), rows="source")
    assert read_matrix(SMALL.astype(object), rows="source").weights.tolist() == SMALL.tolist()
    with pytest.raises(ValueError, match="not a valid matrix of numbers"):
        read_matrix(np.array([[0, "x"], [1, 0]], object), rows="source")
    named = np.array([(2, 1, 3.0)], [("post", int), ("pre", int), ("weight", float)])
    assert edges(read_edges(named)) == {("1", "2"): 3}


def test_data_frames():
    pandas = pytest.importorskip("pandas")
    for frame in (
        pandas.DataFrame(SMALL, ABC, ABC),
        pandas.DataFrame(SMALL, columns=ABC),
        pandas.DataFrame(SMALL, ABC, ABC).reset_index(),
    ):
        read = read_matrix(frame, rows="source")
        assert (read.names, read.weights.tolist()) == (ABC, SMALL.tolist())
    assert read_matrix(pandas.DataFrame(SMALL), rows="source").names == ("0", "1", "2")
    with pytest.raises(ValueError, match="the matrix has missing entries .*; the first in row A, column A"):
        read_matrix(pandas.DataFrame(SMALL, ABC, ABC).replace(0, np.nan), rows="source")
    ids = [int(name) for name in FLY]
    frame = pandas.DataFrame({"post": ids[1:3], "pre": ids[:2], "weight": pandas.array([3, 4], dtype="Int64")})
    assert edges(read_edges(frame)) == {(FLY[0], FLY[1]): 3, (FLY[1], FLY[2]): 4}
    with pytest.raises(ValueError, match="lost digits"):
        read_edges(frame.astype(float))
    lines = pandas.DataFrame({"pre": ["a", "b"], "post": ["b", "c"], "weight": [3, 4]})
    pairs = lines.set_index(["pre", "post"])
    for given in (pairs, pairs.weight, lines.set_index("pre"), lines.set_axis(range(3), axis=1)):
        assert edges(read_edges(given)) == LIST
    square = pandas.DataFrame(SMALL, [501.0, 502.0, 503.0], [501, 502, 503]).rename_axis("bodyId")
    for given in (square, square.reset_index()):
        read = read_matrix(given, rows="source")
        assert (read.names, read.weights.tolist()) == (("501", "502", "503"), SMALL.tolist())
    units = read_units(pandas.DataFrame({"root_id": ids[2::-1], "type": ["c", "b", None]}))
    assert read_edges(frame, units=units).labels["type"] == ("", "b", "c")


@pytest.mark.parametrize("kind", ["feather", "parquet"])
def test_feather_and_parquet(kind, tmp_path):
    pandas = pytest.importorskip("pandas")
    head = {"feather": b"ARROW1\0\0", "parquet": b"PAR1\x15"}[kind]
    path = written(tmp_path, head + b"\0" * 100, f"x.{kind}")
    if not _has_pyarrow():
        with pytest.raises(ImportError, match=rf"{kind.capitalize()} file, which the package pyarrow reads"):
            read_edges(path)
        return
    with pytest.raises(ValueError, match=rf"x\.{kind} is damaged"):
        read_edges(path)
    frame = pandas.DataFrame({"pre": ["a", "b"], "post": ["b", "c"], "weight": [3, 4]})
    getattr(frame, f"to_{kind}")(path)
    assert edges(read_edges(path)) == edges(load(path)) == LIST
    if kind == "parquet":  # pandas writes an index with a name last
        square = pandas.DataFrame([[0, 1, 2], [1, 0, 3], [2, 3, 0]], [11, 12, 13], ["11", "12", "13"])
        square.rename_axis("bodyId").to_parquet(path)
        read = read_matrix(path, rows="source")
        assert (read.names, read.weights.tolist()) == (("11", "12", "13"), square.to_numpy().tolist())


def _has_pyarrow() -> bool:
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        return False
    return True


GRAPHML = (
    '<graphml><key id="w" for="edge" attr.name="weight"><default>2</default></key>'
    '<key id="t" for="node" attr.name="type"/><graph edgedefault="{directed}">'
    '<node id="a"><data key="t">Mi1</data></node><node id="b"/><node id="c"/>{edges}</graph></graphml>'
)
GEXF = (
    '<gexf xmlns="http://gexf.net/1.3"><graph defaultedgetype="{directed}"><attributes class="node">'
    '<attribute id="0" title="type"/></attributes><nodes><node id="0" label="a"><attvalues>'
    '<attvalue for="0" value="Mi1"/></attvalues></node><node id="1" label="b"/><node id="2" label="c"/></nodes>'
    "<edges>{edges}</edges></graph></gexf>"
)


@pytest.mark.parametrize("directed", ["directed", "undirected"])
@pytest.mark.parametrize("form", ["graphml", "gexf"])
def test_graph_files(form, directed, tmp_path):
    if form == "graphml":
        one = '<edge source="a" target="b"><data key="w">3</data></edge><edge source="b" target="b"/>'
        text = GRAPHML.format(directed=directed, edges=one)
    else:
        one = '<edge source="0" target="1" weight="3"/><edge source="1" target="1" weight="2"/>'
        text = GEXF.format(directed=directed, edges=one)
    path = written(tmp_path, text, f"g.{form}")
    read = read_edges(path)
    back = {} if directed == "directed" else {("b", "a"): 3}
    assert edges(read) == {("a", "b"): 3, ("b", "b"): 2} | back
    assert (read.names, read.labels) == (("a", "b", "c"), {"type": ("Mi1", "", "")})
    assert load(path).digest == read_matrix(path, rows="source").digest == read.digest
    assert read_edges(path, neurons=["c", "b", "a"]).labels == {"type": ("", "", "Mi1")}
    with pytest.raises(ValueError, match="is a graph, whose connections have directions: pass rows='source'"):
        read_matrix(path, rows="target")


@pytest.mark.parametrize(
    ("edge", "message"),
    [
        ('<edge source="a" target="z"/>', "to or from nodes that are not listed: z"),
        ('<edge source="a" target="b"/><edge source="a" target="b"/>', "a -> b is listed more than once"),
        ('<edge source="a" target="b"><data key="w">many</data></edge>', "weight must be a number"),
    ],
)
def test_graphs_that_are_refused(edge, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read_edges(written(tmp_path, GRAPHML.format(directed="directed", edges=edge), "g.graphml"))


def test_graphs_of_networkx():
    networkx = pytest.importorskip("networkx")
    graph = networkx.DiGraph()
    graph.add_node("d", type="Mi1")
    graph.add_weighted_edges_from([("a", "b", 3), ("b", "c", 4)])
    read = read_edges(graph)
    assert (read.names, edges(read)) == (("d", "a", "b", "c"), LIST)
    assert read.labels == {"type": ("Mi1", "", "", "")}
    assert edges(read_edges(networkx.path_graph(2))) == {("0", "1"): 1, ("1", "0"): 1}
    assert read_edges(networkx.DiGraph([(1.0, 2.0)])).names == ("1", "2")


@pytest.mark.parametrize("file", ["centres.txt", "centers.txt"])
def test_own_zips_of_tvb(file, tmp_path):
    path = tmp_path / "connectivity_76.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("own/weights.txt", "0 1\n2 0\n")
        archive.writestr(f"own/{file}", "left V1 1 2 3\nArea 17 4 5 6\n")
    for read in (read_tvb(path, rows="target"), read_matrix(path, rows="target"), load(path, rows="target")):
        assert (read.names, read.weights.tolist()) == (("left V1", "Area 17"), [[0, 2], [1, 0]])
        assert (read.coordinates.tolist(), read.citation) == ([[1, 2, 3], [4, 5, 6]], "")
    with pytest.raises(ValueError, match="expected 76 regions, got 2"):
        read_tvb(76, tmp_path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(f"{file}", "V1 1 2\n")
    with pytest.raises(ValueError, match=rf"it contains several different files {file}; keep one"):
        read_matrix(path, rows="target")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weights.txt", "0 1\n2 0\n")
        archive.writestr(f"{file}", "\ufeff# x y z\nV1 1 2\n")
    with pytest.raises(ValueError, match=r"centres: expected a name and three numbers; got 'V1 1 2'"):
        read_matrix(path, rows="target")


def test_load_tells_lists_and_matrices_apart(tmp_path):
    listed = written(tmp_path, "pre,post,neuropil,syn_count\na,b,AL,1\na,b,LH,2\nb,c,AL,4\n")
    assert edges(load(listed, duplicates="sum")) == LIST
    assert edges(load(str(listed), where={"neuropil": "AL"})) == {("a", "b"): 1, ("b", "c"): 4}
    with pytest.raises(ValueError, match="is a list of connections, which has no rows"):
        load(listed, rows="target")
    with pytest.raises(ValueError, match="read with read_edges, which has no option variable"):
        load(listed, variable="W")
    with pytest.raises(ValueError, match="duplicates: these options apply only to your own files"):
        load("celegans", duplicates="sum")
    saved = tmp_path / "saved.npz"
    load(listed, duplicates="sum").save(saved)
    assert edges(load(saved)) == LIST
    with pytest.raises(ValueError, match="was written by eicon: read it with read_npz or load"):
        read_matrix(saved, rows="source")


# The command, and sweeps


def test_the_command_takes_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "pre;post;type;weight\nGröße;b;x;1\nGröße;b;y;2\n", "list.csv", "latin-1")
    words = ["list.csv", "--encoding", "latin-1", "--sum", "--where", "type=x", "--where", "type=y", "--json"]
    shown = CliRunner().invoke(main, ["connectomes", "show", *words])
    assert shown.exit_code == 0, shown.output
    about = json.loads(shown.stdout)
    assert (about["name"], about["units"], about["connections"]) == ("list", ["Größe", "b"], 1)
    assert (tmp_path / "list.png").is_file()
    np.savez(tmp_path / "two.npz", a=SMALL, b=SMALL)
    shown = CliRunner().invoke(main, ["connectomes", "show", "two.npz", "--rows", "target", "--variable", "b"])
    assert "rows = target, turned on reading; b" in shown.output
    for words, message in (
        (["two.npz", "--rows", "target"], "name one, as in --variable a"),
        (["two.npz"], "are the rows of two.npz sources or targets?"),
        (["list.csv", "--where", "type"], "expected COLUMN=VALUE"),
        (["nowhere.csv"], "no such file: nowhere.csv"),
    ):
        refused = CliRunner().invoke(main, ["connectomes", "show", *words])
        assert refused.exit_code != 0
        assert message in refused.output


def test_sweeps_take_a_file(tmp_path):
    matrix = written(tmp_path, ",A,B,C\nA,0,2,1\nB,3,0,4\nC,5,6,0\n")
    read = checked(ConnectomeTable(name=str(matrix), rows="target"))
    assert (read.names, read.weights.tolist()) == (ABC, np.transpose(PLAIN).tolist())
    if not _has_pyarrow():
        table = written(tmp_path, b"PAR1\x15" + bytes(99), "x.parquet")
        with pytest.raises(ConfigError, match=r"connectome\.name: .* which the package pyarrow reads"):
            checked(ConnectomeTable(name=str(table)))
    with pytest.raises(
        ConfigError, match=r"connectome\.name: are the rows of .*file\.csv sources or targets\? Pass rows='source'"
    ):
        checked(ConnectomeTable(name=str(matrix)))

using System.Buffers.Binary;
using System.Text;

namespace VlWorker.ModelKit.Checkpoints.Torch;

/// <summary>
/// Reads the pickle of a PyTorch checkpoint: the operations that torch.save writes for a dictionary of tensors, and no others. Python's own
/// reader runs whatever functions such a file names; this one calls nothing, and refuses names that do not belong to tensors.
/// </summary>
internal ref struct PickleReader(ReadOnlySpan<byte> pickle)
{
    /// <summary>Operations at most; ten thousand tensors take some hundred thousand.</summary>
    private const int MostOperations = 2_000_000;

    private static readonly object Mark = new();

    private readonly ReadOnlySpan<byte> _pickle = pickle;
    private readonly List<object?> _stack = [];
    private readonly Dictionary<uint, object?> _memo = [];
    private int _position = 0;

    /// <summary>Reads a pickle to its end.</summary>
    /// <returns>What it describes.</returns>
    /// <exception cref="InvalidDataException">It is malformed, or asks for something else than tensors.</exception>
    public static object? Read(ReadOnlySpan<byte> pickle)
    {
        var reader = new PickleReader(pickle);
        for (var i = 0; i < MostOperations; i++)
        {
            var operation = reader.Take(1)[0];
            if (operation == '.')
                return reader.Pop();
            reader.Run(operation);
        }

        throw new InvalidDataException($"its pickle has more than {MostOperations} operations");
    }

    private void Run(byte operation)
    {
        switch (operation)
        {
            case 0x80: Protocol(Take(1)[0]); break;
            case 0x95: Take(sizeof(ulong)); break;
            case (byte)'(': _stack.Add(Mark); break;
            case (byte)'0': Pop(); break;
            case (byte)'q': _memo[Take(1)[0]] = Top(); break;
            case (byte)'r': _memo[UInt32()] = Top(); break;
            case 0x94: _memo[(uint)_memo.Count] = Top(); break;
            case (byte)'h': _stack.Add(Remembered(Take(1)[0])); break;
            case (byte)'j': _stack.Add(Remembered(UInt32())); break;
            case (byte)'s': SetItems(PopLast(2)); break;
            case (byte)'u': SetItems(PopToMark()); break;
            case (byte)'a': Append(PopLast(1)); break;
            case (byte)'e': Append(PopToMark()); break;
            case (byte)'b': Pop(); break; // attributes of a dictionary (_metadata): nothing here needs them
            case (byte)'R': Reduce(); break;
            case (byte)'Q': _stack.Add(PickledTensors.Storage(Pop())); break;
            default: _stack.Add(Value(operation)); break;
        }
    }

    private object? Value(byte operation) => operation switch
    {
        (byte)'N' => null,
        0x88 => true,
        0x89 => false,
        (byte)'K' => (long)Take(1)[0],
        (byte)'M' => (long)BinaryPrimitives.ReadUInt16LittleEndian(Take(sizeof(ushort))),
        (byte)'J' => (long)BinaryPrimitives.ReadInt32LittleEndian(Take(sizeof(int))),
        0x8a => LongInteger(Take(Take(1)[0])),
        (byte)'G' => BinaryPrimitives.ReadDoubleBigEndian(Take(sizeof(double))),
        (byte)'X' => Text(UInt32()),
        0x8c => Text(Take(1)[0]),
        (byte)'c' => PickledTensors.Global($"{Line()}.{Line()}"),
        0x93 => PickledTensors.Global(string.Join('.', PopLast(2))),
        (byte)')' => new PickledTuple([]),
        0x85 => new PickledTuple(PopLast(1)),
        0x86 => new PickledTuple(PopLast(2)),
        0x87 => new PickledTuple(PopLast(3)),
        (byte)'t' => new PickledTuple(PopToMark()),
        (byte)'}' => new PickledDict(),
        (byte)']' => new List<object?>(),
        _ => throw new InvalidDataException($"its pickle has the operation 0x{operation:x2}, which no tensor needs"),
    };

    private static void Protocol(byte version)
    {
        if (version is < 2 or > 5)
            throw new InvalidDataException($"its pickle is of protocol {version}");
    }

    private void Reduce()
    {
        var arguments = Pop() as PickledTuple ?? throw Malformed();
        var function = Pop() as PickledGlobal ?? throw Malformed();
        _stack.Add(PickledTensors.Call(function, arguments.Items));
    }

    private void SetItems(object?[] items)
    {
        if (Top() is not PickledDict dict || items.Length % 2 != 0)
            throw Malformed();
        for (var i = 0; i < items.Length; i += 2)
            dict.Entries.Add(new(items[i], items[i + 1]));
    }

    private void Append(object?[] items)
    {
        if (Top() is not List<object?> list)
            throw Malformed();
        list.AddRange(items);
    }

    private object? Remembered(uint index) => _memo.TryGetValue(index, out var value) ? value : throw Malformed();

    private object? Top() => _stack.Count > 0 ? _stack[^1] : throw Malformed();

    private object? Pop() => PopLast(1)[0];

    private object?[] PopLast(int count)
    {
        if (_stack.Count < count)
            throw Malformed();
        object?[] items = [.. _stack[^count..]];
        _stack.RemoveRange(_stack.Count - count, count);
        return Array.IndexOf(items, Mark) < 0 ? items : throw Malformed();
    }

    private object?[] PopToMark()
    {
        var mark = _stack.LastIndexOf(Mark);
        var items = mark >= 0 ? PopLast(_stack.Count - mark - 1) : throw Malformed();
        _stack.RemoveAt(mark);
        return items;
    }

    private ReadOnlySpan<byte> Take(long count)
    {
        if (count > _pickle.Length - _position)
            throw new InvalidDataException("its pickle ends too early");
        var bytes = _pickle.Slice(_position, (int)count);
        _position += (int)count;
        return bytes;
    }

    private uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint)));

    private string Text(long length) => Encoding.UTF8.GetString(Take(length));

    private string Line()
    {
        var length = _pickle[_position..].IndexOf((byte)'\n');
        var line = Text(length < 0 ? throw new InvalidDataException("its pickle ends too early") : length);
        _position++;
        return line;
    }

    private static long LongInteger(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > sizeof(long))
            throw Malformed();
        var value = bytes.Length > 0 && bytes[^1] >= 0x80 ? -1L : 0;
        for (var i = bytes.Length - 1; i >= 0; i--)
            value = (value << 8) | bytes[i];
        return value;
    }

    private static InvalidDataException Malformed() => new("its pickle is malformed");
}

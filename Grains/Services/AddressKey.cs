using System.Buffers.Binary;
using System.Net;
using Mesh.Grains.Interfaces.Errors;

namespace Mesh.Grains.Services;

/// <summary>An address and a port in few bytes; IPv4 as IPv6 writes it.</summary>
internal readonly record struct AddressKey(UInt128 Address, int Port)
{
    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>: not IP:PORT.</exception>
    public static AddressKey Parse(string text) => IPEndPoint.TryParse(text, out var endpoint) && endpoint.Port != 0
        ? Of(endpoint.Address, endpoint.Port)
        : throw new MeshException(MeshError.InvalidRequest, $"'{(text.Length <= 100 ? text : text[..100] + "…")}' is not IP:PORT.");

    public static AddressKey Of(IPAddress address, int port)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.MapToIPv6().TryWriteBytes(bytes, out _);
        return new AddressKey(BinaryPrimitives.ReadUInt128BigEndian(bytes), port);
    }

    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Address);
        var address = new IPAddress(bytes);
        return new IPEndPoint(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address, Port).ToString();
    }
}

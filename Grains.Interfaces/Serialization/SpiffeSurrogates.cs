using Mesh.Spiffe;

namespace Mesh.Grains.Interfaces.Serialization;

/// <summary>Wire form of <see cref="SpiffeId"/>.</summary>
[GenerateSerializer, Immutable, Alias("mesh.spiffe-id")]
public readonly record struct SpiffeIdSurrogate([property: Id(0)] string Text);

/// <summary>Lets <see cref="SpiffeId"/> cross grain boundaries; what arrives is parsed as strictly as what a stranger sends.</summary>
[RegisterConverter]
public sealed class SpiffeIdConverter : IConverter<SpiffeId, SpiffeIdSurrogate>
{
    /// <inheritdoc/>
    public SpiffeId ConvertFromSurrogate(in SpiffeIdSurrogate surrogate) => SpiffeId.Parse(surrogate.Text);

    /// <inheritdoc/>
    public SpiffeIdSurrogate ConvertToSurrogate(in SpiffeId value) => new(value.ToString());
}

/// <summary>Wire form of <see cref="KeyHash"/>.</summary>
[GenerateSerializer, Immutable, Alias("mesh.key-hash")]
public readonly record struct KeyHashSurrogate([property: Id(0)] string Hex);

/// <summary>Lets <see cref="KeyHash"/> cross grain boundaries.</summary>
[RegisterConverter]
public sealed class KeyHashConverter : IConverter<KeyHash, KeyHashSurrogate>
{
    /// <inheritdoc/>
    public KeyHash ConvertFromSurrogate(in KeyHashSurrogate surrogate) => KeyHash.Parse(surrogate.Hex);

    /// <inheritdoc/>
    public KeyHashSurrogate ConvertToSurrogate(in KeyHash value) => new(value.ToString());
}
